"""What becomes of the documentation's configurations: they are built, and a batch goes through them."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict

import torch
from allennlp.commands.train import TrainModel
from allennlp.common import Params

from tests.docs.blocks import Block

TINY = {"type": "lstm", "input_size": 5, "hidden_size": 4, "bidirectional": True}
EMBEDDER = {"token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 5}}}
TRAINER = {"num_epochs": 1, "cuda_device": -1, "optimizer": "adam"}
# Of the transformer that stands in for a real one.
SMALL = {"input_dim: 384": "input_dim: 8", "max_length: 510": "max_length: 16"}
# Where a fragment's key belongs that is not at the top of a configuration.
PLACES = {
    "objective": [("model",)],
    "teacher": [("model",), ("dataset_reader",)],
    "student": [("model",)],
}


def whole(block: Block, folder: Path) -> Dict[str, Any]:
    """The experiment that a block is, or is a fragment of."""
    text = block.text
    for size, small in SMALL.items():
        text = text.replace(size, small)
    first = text.lstrip().splitlines()[0]
    if first.startswith("// ") and first.endswith(".jsonnet"):
        path = folder / first[3:].strip()
        path.write_text(text, encoding="utf-8")
        return Params.from_file(str(path)).as_dict(quiet=True)
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("//"))
    if not code.lstrip().startswith(("{", "local ")):
        code = "{" + code + "}"
    path = folder / "fragment.jsonnet"
    path.write_text(code, encoding="utf-8")
    fragment = Params.from_file(str(path)).as_dict(quiet=True)
    base = parser_base() if "// for a parser" in text else tagger_base()
    return merged(base, placed(fragment))


def placed(fragment: Dict[str, Any]) -> Dict[str, Any]:
    """The fragment from the top of a configuration on."""
    found: Dict[str, Any] = {}
    for key, value in fragment.items():
        for place in PLACES.get(key, [()]):
            inner: Dict[str, Any] = {key: value}
            for name in reversed(place):
                inner = {name: inner}
            found = merged(found, inner)
    return found


def merged(base: Any, changes: Any) -> Any:
    """Objects key by key; another `type` than the base's replaces the whole object."""
    if not (isinstance(base, dict) and isinstance(changes, dict)):
        return deepcopy(changes)
    if "type" in changes and changes["type"] != base.get("type"):
        return deepcopy(changes)
    return {
        **deepcopy(base),
        **{
            key: merged(base[key], value) if key in base else deepcopy(value)
            for key, value in changes.items()
        },
    }


def base(reader: str, data: str, archive: str, student: Dict[str, Any]) -> Dict[str, Any]:
    teacher = {"type": "archive", "archive_file": f"{archive}/model.tar.gz"}
    return {
        "dataset_reader": {"type": "distillation", "reader": {"type": reader}, "teacher": teacher},
        "train_data_path": f"train.{data}",
        "validation_data_path": f"dev.{data}",
        "model": {
            "type": "distillation",
            "teacher": teacher,
            "student": {"text_field_embedder": EMBEDDER, "encoder": TINY, **student},
        },
        "data_loader": {"batch_size": 2, "shuffle": True},
        "trainer": dict(TRAINER),
    }


def tagger_base() -> Dict[str, Any]:
    return base("conll2000", "txt", "teacher", {"type": "crf_tagger_student"})


def parser_base() -> Dict[str, Any]:
    sizes = {"tag_representation_dim": 6, "arc_representation_dim": 7}
    student = {"type": "biaffine_parser_student", **sizes}
    return base("universal_dependencies", "conllu", "parser", student)


def check(config: Dict[str, Any], folder: Path) -> None:
    """Builds all of it as `allennlp train` does, and computes a batch's loss and gradient."""
    config = json.loads(json.dumps(config))
    distributed = config.pop("distributed", None)
    if distributed is not None:
        assert set(distributed) <= {"cuda_devices", "master_port", "num_nodes"}
        assert len(distributed["cuda_devices"]) > 1
    config["trainer"]["cuda_device"] = -1
    experiment = TrainModel.from_params(
        params=Params(config), serialization_dir=str(folder), local_rank=0, batch_weight_key=""
    )
    model = experiment.model
    loader = experiment.trainer.data_loader
    batch = next(iter(loader))
    for callback in experiment.trainer._callbacks:
        if type(callback).__module__.startswith("allennlp_kd."):
            callback.on_start(experiment.trainer, is_primary=True)
    model.train()
    loss = model(**batch)["loss"]
    loss.backward()
    assert torch.isfinite(loss), loss
    moved = [p for p in model.parameters() if p.grad is not None and bool(p.grad.abs().sum() > 0)]
    assert moved, "nothing learns"
    model.eval()
    with torch.no_grad():
        model(**batch)
