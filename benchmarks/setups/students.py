"""Stock's model, the student alone and the student with a store, on the same batches."""

import json
import random
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from allennlp.common import Params
from allennlp.data import DataLoader, DatasetReader, Instance, Vocabulary
from allennlp.data.data_loaders import MultiProcessDataLoader, SimpleDataLoader
from allennlp.data.samplers import BucketBatchSampler
from allennlp.models import Model
from allennlp.nn.util import move_to_device

from benchmarks.setups.treebank import BATCH_SIZE, spaced

WARM_UP_RATE = 0.005

Batch = Dict[str, Any]
"""The arguments of a model's `forward`."""


class Recipe(NamedTuple):
    """What is built and trained.

    # Parameters

    reader, model : `Dict[str, Any]`
        Configurations; the model's without its type.
    stock, student : `str`
        The types of the model.
    """

    reader: Dict[str, Any]
    model: Dict[str, Any]
    stock: str
    student: str


class Setup(NamedTuple):
    """Models with the same weights, and what they train on.

    # Parameters

    stock, plain : `Model`
        Stock's, and ours.
    distilled : `Dict[str, Model]`
        Ours inside `distillation`, by the name of the objective.
    shuffled, bucketed : `List[Batch]`
        Collated, with the teacher's inputs: of sentences that a shuffle brings together, and of
        sentences of about the same length.
    loader : `DataLoader`
        Gives all batches of an epoch, with the teacher's inputs.
    """

    stock: Model
    plain: Model
    distilled: Dict[str, Model]
    shuffled: List[Batch]
    bucketed: List[Batch]
    loader: DataLoader

    def models(self) -> Dict[str, Model]:
        """All of them, by name."""
        return {"stock": self.stock, "plain": self.plain, **self.distilled}

    def inputs(self, name: str, batch: Batch) -> Batch:
        """What of a batch goes into the model of this name."""
        return batch if name in self.distilled else plain_inputs(batch)


def plain_inputs(batch: Batch) -> Batch:
    """A batch as the wrapped reader's instances make it."""
    inputs = {key: value for key, value in batch.items() if key != "teacher"}
    for name, value in inputs.items():
        if isinstance(value, dict) and value.keys() == {"rows", "value"}:
            inputs[name] = value["value"]
    return inputs


def width(batch: Batch) -> int:
    """The number of words of the longest sentence."""
    return int(batch["teacher"]["value"]["words"].max())


def build(
    recipe: Recipe,
    data: Path,
    folder: Path,
    seed: int,
    max_instances: int = 100 * BATCH_SIZE,
    warm_up: int = 60,
    num_batches: int = 4,
    objectives: Optional[Dict[str, Dict[str, Any]]] = None,
    device: Optional[torch.device] = None,
) -> Setup:
    """Trains stock's model a little, makes it the teacher, and gives its weights to all.

    A teacher of the same size costs what any other does, for its scores are in a store.

    # Parameters

    recipe : `Recipe`
    data : `Path`
        A CoNLL-U file.
    folder : `Path`
        For the archive and the store.
    seed : `int`
        Of the order of the sentences.
    max_instances, warm_up, num_batches : `int`
        Of the file's sentences; batches of training; batches to measure on.
    objectives : `Dict[str, Dict[str, Any]]`, optional (default = `{"distilled": {}}`)
        Their configurations, by name.
    device : `torch.device`, optional (default = the CPU)
        The device of the training, of the teacher, of the models, and of the batches to measure on.
    """
    import allennlp_models.structured_prediction  # noqa: F401
    import allennlp_models.tagging  # noqa: F401

    import allennlp_kd.plugin  # noqa: F401

    device = device or torch.device("cpu")
    reader_config = {**recipe.reader, "max_instances": max_instances}
    reader = DatasetReader.from_params(params(reader_config))
    instances = list(reader.read(data))
    vocab = Vocabulary.from_instances(instances)
    stock_config = {"type": recipe.stock, **recipe.model}
    stock = Model.from_params(params(stock_config), vocab=vocab).to(device)
    _warm_up(stock, instances, warm_up)
    archive = _archive(stock, {"dataset_reader": recipe.reader, "model": stock_config}, folder)

    teacher = {
        "type": "store",
        "directory": str(folder / "store"),
        "teacher": {"archive_file": archive, "cuda_device": cuda_device(device)},
    }
    distillation_reader = DatasetReader.from_params(
        params(
            {
                "type": "distillation",
                "reader": recipe.reader,
                "teacher": teacher,
                "teacher_inputs": True,
                "max_instances": max_instances,
            }
        )
    )
    random.seed(seed)
    loader = _loader(distillation_reader, data, vocab, batch_size=BATCH_SIZE, shuffle=True)
    text = "tokens" if "tokens" in instances[0].fields else "words"
    sampler = BucketBatchSampler(BATCH_SIZE, sorting_keys=[text])
    bucketed = _loader(distillation_reader, data, vocab, batch_sampler=sampler)
    student_config = {"type": recipe.student, **recipe.model}
    plain = Model.from_params(params(student_config), vocab=vocab)
    distilled = {}
    for name, objective in (objectives or {"distilled": {}}).items():
        config = {"type": "distillation", "student": student_config, "teacher": teacher}
        config.update(objective={"type": "substructured", **objective}, alpha=0.5)
        distilled[name] = Model.from_params(params(config), vocab=vocab)
    in_order = sorted(bucketed, key=width)
    setup = Setup(
        stock,
        plain,
        distilled,
        shuffled=move_to_device(spaced(list(loader), num_batches), device),
        bucketed=move_to_device(spaced(in_order, num_batches), device),
        loader=loader,
    )
    for model in setup.models().values():
        model.load_state_dict(stock.state_dict())
        model.to(device).train()
    return setup


def cuda_device(device: torch.device) -> int:
    """AllenNLP's number of a device: -1 for the CPU."""
    return (device.index or 0) if device.type == "cuda" else -1


def params(config: Dict[str, Any]) -> Params:
    """A configuration to build from, which consumes it, so a copy."""
    return Params(deepcopy(config))


def _loader(reader: DatasetReader, data: Path, vocab: Vocabulary, **options: Any) -> DataLoader:
    loader = MultiProcessDataLoader(reader, str(data), **options)
    loader.index_with(vocab)
    return loader


def _warm_up(model: Model, instances: List[Instance], steps: int) -> None:
    # A CRF's costs depend on its scores: those of untrained weights are alike as nowhere else.
    loader = SimpleDataLoader(instances, BATCH_SIZE, shuffle=True, vocab=model.vocab)
    optimizer = torch.optim.Adam(model.parameters(), lr=WARM_UP_RATE)
    device = next(model.parameters()).device
    model.train()
    while steps > 0:
        for batch in loader:
            optimizer.zero_grad()
            model(**move_to_device(batch, device))["loss"].backward()
            optimizer.step()
            steps -= 1
            if steps <= 0:
                break
    model.get_metrics(reset=True)


def _archive(model: Model, config: Dict[str, Any], folder: Path) -> str:
    run = folder / "teacher"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save(model.state_dict(), run / "weights.th")
    model.vocab.save_to_files(str(run / "vocabulary"))
    path = folder / "teacher.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(run / name, arcname=name)
    return str(path)
