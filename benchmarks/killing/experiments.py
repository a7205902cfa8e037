"""The trainings that are killed: small, with everything that a resumed one could get wrong."""

import json
from pathlib import Path
from typing import Any, Dict

NAMES = (
    "tagger, store",
    "tagger, live teacher",
    "parser",
    "parser, store",
    "parser, live teacher",
)
TEACHER = "teacher"
PARSER_TEACHER = "parser-teacher"
_ENCODER = {
    "type": "lstm",
    "input_size": 8,
    "hidden_size": 6,
    "bidirectional": True,
    "num_layers": 2,
    "dropout": 0.2,
}
_EMBEDDER = {"token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 8}}}


def experiment(name: str, data: Path, run: Path, stock: bool = False) -> Dict[str, Any]:
    """The configuration of one of `NAMES`, or of a teacher.

    # Parameters

    name : `str`
    data : `Path`
        With the corpora and, in `teacher` and `parser-teacher`, the runs of the teachers.
    run : `Path`
        A folder of the training's own, for its store.
    stock : `bool`, optional (default = `False`)
        Whether to train with AllenNLP's own trainer and checkpointer, which do not survive.
    """
    # To build an object is to use up its part of the parameters.
    config = json.loads(json.dumps(_PARTS[name](data, run)))
    if stock:
        config["trainer"]["type"] = "gradient_descent"
        config["trainer"]["checkpointer"]["type"] = "default"
    return config


def _common(data: Path, extension: str, **trainer: Any) -> Dict[str, Any]:
    sampler = {"type": "bucket", "batch_size": 6, "sorting_keys": [trainer.pop("key")]}
    return {
        "train_data_path": str(data / f"train.{extension}"),
        "validation_data_path": str(data / f"dev.{extension}"),
        # Validation shuffles too, and so draws from the same generators.
        "data_loader": {"batch_sampler": sampler},
        "trainer": {
            "type": "resumable",
            "checkpointer": {"type": "whole"},
            "num_epochs": 12,
            "patience": 2,
            "grad_norm": 5.0,
            "cuda_device": -1,
            "optimizer": {"type": "adam", "lr": 0.02},
            "learning_rate_scheduler": {"type": "exponential", "gamma": 0.9},
            "enable_default_callbacks": False,
            **trainer,
        },
    }


def _tagger(kind: str) -> Dict[str, Any]:
    return {
        "type": kind,
        "text_field_embedder": _EMBEDDER,
        "encoder": _ENCODER,
        "dropout": 0.2,
        "label_encoding": "BIO",
    }


def _teacher(data: Path, run: Path) -> Dict[str, Any]:
    config = _common(data, "txt", key="tokens", num_epochs=2)
    reader = {"type": "sequence_tagging"}
    return {**config, "dataset_reader": reader, "model": _tagger("crf_tagger")}


def _distillation(data: Path, teacher: Dict[str, Any], **trainer: Any) -> Dict[str, Any]:
    schedule = {
        "type": "distillation_schedule",
        "alpha": {"start": 0.8, "end": 0.3, "length": 4},
        "temperature": {"start": 2.0, "end": 1.0, "length": 20, "by": "step"},
    }
    config = _common(
        data, "txt", key="tokens", callbacks=[schedule, {"type": "agreement"}], **trainer
    )
    reader = {"type": "distillation", "reader": {"type": "sequence_tagging"}, "teacher": teacher}
    reader["labelled_fraction"] = 0.7
    model = {"type": "distillation", "student": _tagger("crf_tagger_student"), "teacher": teacher}
    return {**config, "dataset_reader": reader, "model": model}


def _archive(data: Path, teacher: str = TEACHER) -> Dict[str, Any]:
    return {"type": "archive", "archive_file": str(data / teacher / "model.tar.gz")}


def _stored(data: Path, run: Path) -> Dict[str, Any]:
    store = {"type": "store", "directory": str(run / "store"), "teacher": _archive(data)}
    return _distillation(data, {**store, "batch_size": 4}, validation_metric="+agreement")


def _live(data: Path, run: Path) -> Dict[str, Any]:
    """With checkpoints within an epoch, and gradients of two batches."""
    return _distillation(
        data,
        _archive(data),
        validation_metric="+agreement",
        checkpointer={"type": "whole", "save_every_num_batches": 3},
        num_gradient_accumulation_steps=2,
    )


def _parser_network(kind: str) -> Dict[str, Any]:
    return {
        "type": kind,
        "text_field_embedder": _EMBEDDER,
        "encoder": _ENCODER,
        "tag_representation_dim": 8,
        "arc_representation_dim": 8,
        "dropout": 0.2,
        "input_dropout": 0.1,
    }


def _parser(
    data: Path, run: Path, kind: str = "biaffine_parser_student", **trainer: Any
) -> Dict[str, Any]:
    config = _common(data, "conllu", key="words", **{"validation_metric": "+LAS", **trainer})
    reader = {"type": "universal_dependencies"}
    return {**config, "dataset_reader": reader, "model": _parser_network(kind)}


def _averaged_parser(data: Path, run: Path) -> Dict[str, Any]:
    return _parser(data, run, moving_average={"decay": 0.9})


def _parser_teacher(data: Path, run: Path) -> Dict[str, Any]:
    return _parser(data, run, kind="biaffine_parser", num_epochs=2)


def _parser_distillation(data: Path, run: Path, teacher: Dict[str, Any]) -> Dict[str, Any]:
    config = _parser(data, run, callbacks=[{"type": "agreement"}])
    return {
        **config,
        "dataset_reader": {
            "type": "distillation",
            "reader": config["dataset_reader"],
            "teacher": teacher,
            "labelled_fraction": 0.7,
        },
        "model": {"type": "distillation", "student": config["model"], "teacher": teacher},
    }


def _stored_parser(data: Path, run: Path) -> Dict[str, Any]:
    store = {"type": "store", "directory": str(run / "store"), "batch_size": 4}
    return _parser_distillation(data, run, {**store, "teacher": _archive(data, PARSER_TEACHER)})


def _live_parser(data: Path, run: Path) -> Dict[str, Any]:
    return _parser_distillation(data, run, _archive(data, PARSER_TEACHER))


_PARTS = {
    TEACHER: _teacher,
    PARSER_TEACHER: _parser_teacher,
    "tagger, store": _stored,
    "tagger, live teacher": _live,
    "parser": _averaged_parser,
    "parser, store": _stored_parser,
    "parser, live teacher": _live_parser,
}
