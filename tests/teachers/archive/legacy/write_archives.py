"""Writes the archives of this folder, where it is run with the legacy stack:

.venv-legacy/bin/python -m tests.teachers.archive.legacy.write_archives

With the modern stack, it writes a few archives into the folder `modern` beside this one.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, List

import torch
import transformers
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.util import prepare_environment
from allennlp.data import Batch, Token
from allennlp.models import load_archive

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from tests.configs.corpora import columns
from tests.teachers.archive.legacy.tiny_transformers import (
    TRANSFORMERS,
    write_transformer,
    write_weights,
)
from tests.teachers.parsers import conllu, stock_scores

FOLDER = Path(__file__).parent
MODERN = FOLDER.parent / "modern"
SENTENCES = [["the", "cat", "runs"], ["dogs"], ["a", "dog", "sleeps", "#1", "cats", "the", "cat"]]
TREES = [
    ("the cat runs", "DT NN VB", "det nsubj root", [2, 3, 0]),
    ("a dog", "DT NN", "det root", [2, 0]),
]
TRAINER = {
    "optimizer": {"type": "adam", "lr": 0.01},
    "num_epochs": 1,
    "cuda_device": -1,
    "enable_default_callbacks": False,
    "run_confidence_checks": False,
}


def tagger(model_name: str) -> Dict[str, Any]:
    piece = {"type": "pretrained_transformer_mismatched", "model_name": model_name}
    return {
        "dataset_reader": {
            "type": "conll2000",
            "tag_label": "chunk",
            "token_indexers": {"tokens": dict(piece)},
        },
        "train_data_path": "train.txt",
        "validation_data_path": "train.txt",
        "model": {
            "type": "crf_tagger",
            "label_encoding": "BIO",
            "text_field_embedder": {"token_embedders": {"tokens": dict(piece)}},
            "encoder": {"type": "pass_through", "input_dim": 4},
        },
        "data_loader": {"batch_size": 2},
        "trainer": TRAINER,
    }


def parser(model_name: str) -> Dict[str, Any]:
    config = tagger(model_name)
    indexers = config["dataset_reader"]["token_indexers"]
    return {
        **config,
        "dataset_reader": {"type": "universal_dependencies", "token_indexers": indexers},
        "train_data_path": "train.conllu",
        "validation_data_path": "train.conllu",
        "model": {
            "type": "biaffine_parser",
            "text_field_embedder": config["model"]["text_field_embedder"],
            "encoder": {"type": "pass_through", "input_dim": 4},
            "tag_representation_dim": 3,
            "arc_representation_dim": 3,
        },
    }


def student(model_name: str) -> Dict[str, Any]:
    """Stock's own embedder in a student's model."""
    config = tagger(model_name)
    config["model"]["type"] = "crf_tagger_student"
    return config


def layers_student(model_name: str) -> Dict[str, Any]:
    """An embedder that carries its transformer in the archive."""
    config = student(model_name)
    embedders = config["model"]["text_field_embedder"]["token_embedders"]
    for parts in (config["dataset_reader"]["token_indexers"], embedders):
        parts["tokens"]["type"] = "pretrained_transformer_layers"
    return config


def distillation(model_name: str) -> Dict[str, Any]:
    config = student(model_name)
    teacher = {"type": "archive", "archive_file": "teacher.tar.gz", "transformer": model_name}
    reader = config["dataset_reader"]
    config["dataset_reader"] = {"type": "distillation", "reader": reader, "teacher": dict(teacher)}
    config["model"] = {
        "type": "distillation", "student": config["model"], "teacher": dict(teacher)
    }  # fmt: skip
    return config


def write_archive(folder: Path, name: str, config: Dict[str, Any]) -> None:
    prepare_environment(Params({}))
    train_model(Params(json.loads(json.dumps(config))), "run")
    shutil.copy("run/model.tar.gz", folder / f"{name}.tar.gz")
    (folder / f"{name}.scores.json").write_text(json.dumps(scores(config)) + "\n")
    shutil.rmtree("run")


def scores(config: Dict[str, Any]) -> Dict[str, List]:
    """What the model that was just trained gives `SENTENCES`: emissions, or the scores of arcs."""
    if config["model"]["type"] == "biaffine_parser":
        sentences = [Sentence(tuple(words)) for words in SENTENCES]
        mask, arcs, labels = stock_scores("run/model.tar.gz", sentences)
        lengths = [len(words) + 1 for words in SENTENCES]
        return {
            "arcs": [rounded(row[1:n, :n]) for row, n in zip(arcs, lengths)],
            "labels": [rounded(row[1:n, :n]) for row, n in zip(labels, lengths)],
        }
    archive = load_archive("run/model.tar.gz")
    model, reader = archive.model.eval(), archive.dataset_reader
    reader = getattr(reader, "wrapped", reader)
    batch = Batch([reader.text_to_instance([Token(word) for word in words]) for words in SENTENCES])
    batch.index_instances(model.vocab)
    with torch.no_grad():
        logits = model(**batch.as_tensor_dict())["logits"]
    return {
        "emissions": [rounded(row[: len(words)]) for row, words in zip(logits, SENTENCES)],
        "transitions": rounded(model.crf.transitions),
    }


def rounded(scores: torch.Tensor) -> List:
    if scores.dim() > 1:
        return [rounded(row) for row in scores]
    return [round(score, 7) for score in scores.tolist()]


def main() -> None:
    is_legacy = transformers.__version__.startswith("4.20")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # so that no configuration has a path of this machine
        text = columns(lambda row: row[0], lambda row: row[1], lambda row: row[2])
        Path("train.txt").write_text(text)
        Path("train.conllu").write_text(conllu(TREES))
        for name in TRANSFORMERS:
            if is_legacy:
                shutil.rmtree(FOLDER / name, ignore_errors=True)
                write_transformer(name, FOLDER / name)
            shutil.copytree(FOLDER / name, f"tiny-{name}")
            write_weights(Path(f"tiny-{name}"))
        write_legacy() if is_legacy else write_modern()
        os.chdir(FOLDER)


def write_legacy() -> None:
    for name in TRANSFORMERS:
        write_archive(FOLDER, f"{name}_tagger", tagger(f"tiny-{name}"))
    write_archive(FOLDER, "bert_parser", parser("tiny-bert"))
    write_archive(FOLDER, "bert_student", student("tiny-bert"))
    write_archive(FOLDER, "bert_layers_student", layers_student("tiny-bert"))
    write_archive(FOLDER, "roberta_layers_student", layers_student("tiny-roberta"))
    shutil.copy(FOLDER / "bert_tagger.tar.gz", "teacher.tar.gz")
    write_archive(FOLDER, "bert_distilled", distillation("tiny-bert"))


def write_modern() -> None:
    MODERN.mkdir(exist_ok=True)
    write_archive(MODERN, "roberta_tagger", tagger("tiny-roberta"))
    write_archive(MODERN, "bert_student", student("tiny-bert"))
    write_archive(MODERN, "bert_layers_student", layers_student("tiny-bert"))


if __name__ == "__main__":
    main()
