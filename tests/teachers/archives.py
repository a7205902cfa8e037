"""A tiny archive of stock `crf_tagger`, trained by stock AllenNLP."""

import json
import tarfile
from pathlib import Path
from typing import Any, Callable, Dict, List

import allennlp_models.tagging  # noqa: F401 (registers readers and the model)
from allennlp.commands.train import train_model
from allennlp.common import Params

from tests.configs.corpora import write_corpora


def tagger_params(data: Path, indexer: Any = None, **model: Any) -> Dict[str, Any]:
    indexers = {"tokens": indexer or {"type": "single_id"}}
    return {
        "dataset_reader": {"type": "conll2000", "tag_label": "chunk", "token_indexers": indexers},
        "train_data_path": str(data / "conll2000" / "train-first-7936.txt"),
        "validation_data_path": str(data / "conll2000" / "dev-last-1000.txt"),
        "model": {
            "type": "crf_tagger",
            "label_encoding": "BIO",
            "text_field_embedder": {
                "token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 4}}
            },
            "encoder": {"type": "lstm", "input_size": 4, "hidden_size": 3},
            **model,
        },
        "data_loader": {"batch_size": 2},
        "trainer": {
            "optimizer": "adam",
            "num_epochs": 1,
            "cuda_device": -1,
            "enable_default_callbacks": False,
        },
    }


def train_tagger(folder: Path, indexer: Any = None, **model: Any) -> str:
    """Trains one and returns the path of its `model.tar.gz`."""
    data = write_corpora(folder / "data")
    run = folder / "run"
    # To build an object is to use up its part of the parameters.
    train_model(Params(json.loads(json.dumps(tagger_params(data, indexer, **model)))), str(run))
    return str(run / "model.tar.gz")


def relabelled(archive: str, folder: Path, change: Callable[[List[str]], List[str]]) -> str:
    """The same archive with other names for its tags (or arc labels), as a folder."""
    with tarfile.open(archive) as files:
        files.extractall(folder)
    path = folder / "vocabulary" / "head_tags.txt"
    if not path.exists():
        path = folder / "vocabulary" / "labels.txt"
    path.write_text("".join(f"{label}\n" for label in change(path.read_text().split())))
    return str(folder)
