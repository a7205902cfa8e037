"""A parser's label scores and its evaluation, against stock's with the same weights."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Callable, Dict, List

import torch
from allennlp.data import DatasetReader, Instance
from allennlp.data.data_loaders import SimpleDataLoader
from allennlp.models import Model
from torch import Tensor

from allennlp_kd.structs.tree import FactoredLabels
from benchmarks.command import Options, conditions
from benchmarks.memory import peak_bytes
from benchmarks.report import Report, Target
from benchmarks.rounds import alternate
from benchmarks.setups.parser import parser
from benchmarks.setups.students import Batch, Setup, build, params
from benchmarks.setups.treebank import BATCH_SIZE, treebank, typical_batches

LABEL_DIM, NUM_LABELS = 100, 51
LONG, LONG_BATCH = 150, 8


def stock_label_scores(bilinear: torch.nn.Bilinear, heads: Tensor, dependents: Tensor) -> Tensor:
    """As stock's `_mst_decode`; shape `(batch, heads, dependents, labels)`."""
    shape = [heads.shape[0], heads.shape[1], heads.shape[1], heads.shape[2]]
    expanded_heads = heads.unsqueeze(2).expand(*shape).contiguous()
    expanded_dependents = dependents.unsqueeze(1).expand(*shape).contiguous()
    return bilinear(expanded_heads, expanded_dependents)


def our_label_scores(bilinear: torch.nn.Bilinear, heads: Tensor, dependents: Tensor) -> Tensor:
    """The same of the words; shape `(batch, dependents, heads, labels)`."""
    weight, bias = bilinear.weight, bilinear.bias
    return FactoredLabels(heads, dependents[:, 1:], weight, bias).of_all()


def label_scores(report: Report, options: Options) -> None:
    """All pairs' label scores, and the target."""
    bilinear = torch.nn.Bilinear(LABEL_DIM, LABEL_DIM, NUM_LABELS)
    ratios = []
    for condition in conditions(options):
        torch.set_num_threads(condition.threads)
        batches = typical_batches(1 if options.quick else 4, options.seed, condition.bucketed)
        generator = torch.Generator().manual_seed(options.seed)
        pairs = [
            torch.randn(2, len(lengths), max(lengths) + 1, LABEL_DIM, generator=generator)
            for lengths in batches
        ]
        with torch.no_grad():
            _check_label_scores(bilinear, *pairs[0])
            sides = {"stock label scores": stock_label_scores, "label scores": our_label_scores}
            functions = {
                name: partial(_over, partial(side, bilinear), pairs) for name, side in sides.items()
            }
            timings = alternate(functions, options.rounds)
        stock, ours = (timing.median / len(pairs) for timing in timings.values())
        report.add(condition.label, dict(zip(timings, (stock, ours))))
        ratios.append(stock / ours)
    report.targets.append(Target("stock / label scores of all pairs", ratios[0], 20.0, True))


def _over(function: Callable[[Tensor, Tensor], Tensor], pairs: List[Tensor]) -> None:
    for heads, dependents in pairs:
        function(heads, dependents)


def _check_label_scores(bilinear: torch.nn.Bilinear, heads: Tensor, dependents: Tensor) -> None:
    stock = stock_label_scores(bilinear, heads, dependents)[:, :, 1:].transpose(1, 2)
    torch.testing.assert_close(
        our_label_scores(bilinear, heads, dependents), stock, atol=1e-4, rtol=1e-4
    )


def evaluation(report: Report, options: Options) -> None:
    """EWT dev from batches to scores, by stock and by the student with stock's decoder; memory."""
    recipe, sizes = parser(), {}
    if options.quick:
        recipe = parser(hidden_size=8, arc_dim=8, label_dim=8)
        sizes = dict(max_instances=2 * BATCH_SIZE, warm_up=1, num_batches=1)
    with tempfile.TemporaryDirectory() as folder:
        setup = build(recipe, treebank(), Path(folder), options.seed, **sizes)
    reader = DatasetReader.from_params(params(recipe.reader))
    known = set(setup.plain.labels)
    read = list(reader.read(treebank("train" if options.quick else "dev")))
    instances = [each for each in read if known.issuperset(each["head_tags"].labels)]
    report.notes["sentences of dev left out, as train's part has not their labels"] = len(
        read
    ) - len(instances)
    setup.plain.decoder = "stock"
    batches = list(SimpleDataLoader(instances, BATCH_SIZE, vocab=setup.stock.vocab))
    functions = {
        "stock biaffine_parser: EWT dev": partial(evaluate, setup.stock, batches),
        "parser: EWT dev, stock's decoder": partial(evaluate, setup.plain, batches),
        "parser: EWT dev": partial(evaluate, setup.plain, batches, "exact"),
    }
    torch.set_num_threads(options.threads[0])
    timings = alternate(functions, options.rounds)
    report.add(conditions(options)[0].label, timings)
    stock, ours, _ = (timing.median for timing in timings.values())
    report.targets.append(Target("stock / parser, evaluation of EWT dev", stock / ours, 5.0, True))
    _memory(report, setup, instances)


def evaluate(model: Model, batches: List[Batch], decoder: str = "stock") -> Dict[str, float]:
    """The scores of all batches."""
    model.eval()
    if hasattr(model, "decoder"):
        model.decoder = decoder
    with torch.no_grad():
        for batch in batches:
            model(**batch)
    return model.get_metrics(reset=True)


def _memory(report: Report, setup: Setup, instances: List[Instance]) -> None:
    """The peak of parsing sentences of 150 words, and the target."""
    reader = DatasetReader.from_params(params(parser().reader))
    words = [token.text for instance in instances for token in instance["words"].tokens]
    words = (words * (1 + LONG * LONG_BATCH // len(words)))[: LONG * LONG_BATCH]
    made = []
    for start in range(0, len(words), LONG):
        part = words[start : start + LONG]
        made.append(reader.text_to_instance(part, ["X"] * len(part)))
    for instance in made:
        reader.apply_token_indexers(instance)
    (batch,) = SimpleDataLoader(made, LONG_BATCH, vocab=setup.stock.vocab)
    # Stock computes a loss in any case, so it is handed gold; the student is handed the same.
    zeros = torch.zeros(LONG_BATCH, LONG, dtype=torch.long)
    batch.update(head_tags=zeros, head_indices=zeros)
    peaks = {}
    for name, model in (("stock biaffine_parser", setup.stock), ("parser", setup.plain)):
        peaks[f"{name}: parsing"] = float(peak_bytes(partial(evaluate, model, [batch], "exact")))
    report.add(f"peak bytes, {LONG} words, batch {LONG_BATCH}", peaks)
    stock, ours = peaks.values()
    report.targets.append(Target("parser / stock, peak memory of parsing", ours / stock, 0.25))


def measure(report: Report, options: Options) -> None:
    """Everything."""
    label_scores(report, options)
    evaluation(report, options)
