"""Three ways to the best tree, with the same weights."""

import os
import time
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

import torch
from allennlp.data import Batch, Instance
from allennlp.models import Model

from allennlp_kd.structs.tree import TreePotentials, log_label_probabilities
from benchmarks.command import NoData, Options
from benchmarks.report import Report, Target
from benchmarks.setups.treebank import treebank

ARCHIVE = "parser-ewt-minilm6.tar.gz"
TIE = 1e-6
QUICK = 24  # sentences


class Parsed(NamedTuple):
    """One side's trees: heads and labels of each sentence, its scores, and the seconds that it took."""

    trees: List[Tuple[List[int], List[str]]]
    scores: Dict[str, float]
    seconds: float


def measure(report: Report, options: Options) -> None:
    """Adds how often the sides differ, and their scores."""
    torch.set_num_threads(options.threads[0])
    stock, student, reader = _models()
    instances = list(reader.read(str(treebank("dev"))))
    instances = instances[:QUICK] if options.quick else instances
    sides = {
        "stock biaffine_parser": parse(stock, instances),
        "student, decoder stock": parse(student, instances, "stock"),
        "student, decoder exact": parse(student, instances, "exact"),
    }
    report.add("seconds, scoring included", {name: side.seconds for name, side in sides.items()})
    for metric in ("UAS", "LAS"):
        report.add(metric, {name: 100 * side.scores[metric] for name, side in sides.items()})
    report.notes["sentences"] = len(instances)
    reference = sides["stock biaffine_parser"].trees
    ours = sides["student, decoder stock"].trees
    apart = [row for row in range(len(reference)) if ours[row] != reference[row]]
    ties = [
        row for row in apart if is_tie(student, instances[row], ours[row][0], reference[row][0])
    ]
    exact = sides["student, decoder exact"].trees
    report.notes["sentences on which decoder stock is not stock's"] = len(apart)
    report.notes["of them ties"] = len(ties)
    report.notes["sentences on which exact differs from stock's"] = sum(
        one != other for one, other in zip(exact, reference)
    )
    report.notes["stock's trees with another number of root words than one"] = sum(
        heads.count(0) != 1 for heads, _ in reference
    )
    report.targets.append(
        Target("other trees by decoder stock that are no ties", len(apart) - len(ties), 0)
    )


def parse(model: Model, instances: List[Instance], decoder: str = "stock") -> Parsed:
    """All sentences, in batches of 32."""
    model.eval()
    if hasattr(model, "decoder"):
        model.decoder = decoder
    model.get_metrics(reset=True)
    trees = []
    started = time.perf_counter()
    for start in range(0, len(instances), 32):
        for outputs in model.forward_on_instances(instances[start : start + 32]):
            trees.append(
                (list(outputs["predicted_heads"]), list(outputs["predicted_dependencies"]))
            )
    seconds = time.perf_counter() - started
    return Parsed(trees, model.get_metrics(reset=True), seconds)


def is_tie(student: Any, instance: Instance, heads: List[int], others: List[int]) -> bool:
    """Whether stock's search gives both trees the same sum of probabilities, to 1e-6."""
    batch = Batch([instance])
    batch.index_instances(student.vocab)
    inputs = batch.as_tensor_dict()
    with torch.no_grad():
        potentials = student.potentials(words=inputs["words"], pos_tags=inputs["pos_tags"])
        sums = [_sum(potentials, torch.tensor([each])) for each in (heads, others)]
    return abs(sums[0] - sums[1]) <= TIE


def _sum(potentials: TreePotentials, heads: torch.Tensor) -> float:
    arcs = potentials.arcs.log_softmax(dim=2).gather(2, heads.unsqueeze(2)).squeeze(2)
    labels = log_label_probabilities(potentials, heads).amax(dim=2)
    probabilities = (arcs + labels).double().exp().masked_fill(heads == 0, 0)
    return float(probabilities.sum())


def _models() -> Tuple[Model, Model, Any]:
    """Stock's, ours with its weights, and the reader."""
    import allennlp_models.structured_prediction  # noqa: F401
    from allennlp.models.archival import load_archive

    import allennlp_kd.plugin  # noqa: F401

    folder = os.environ.get("ALLENNLP_KD_TEACHERS")
    path = Path(folder or "") / ARCHIVE
    if not folder or not path.is_file():
        raise NoData(f"set ALLENNLP_KD_TEACHERS to the folder that holds {ARCHIVE}")
    archive = load_archive(str(path))
    params = archive.config["model"].duplicate()
    params["type"] = "biaffine_parser_student"
    student = Model.from_params(params, vocab=archive.model.vocab)
    student.load_state_dict(archive.model.state_dict())
    return archive.model, student, archive.validation_dataset_reader
