"""A folder in which the documentation's commands find the files that they name."""

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Dict

from allennlp.commands.train import train_model
from allennlp.common import Params

from tests.configs.corpora import columns, conllu, write_vectors
from tests.docs.blocks import by_page
from tests.modules.conftest import save_bert
from tests.teachers.archives import train_tagger
from tests.teachers.checkpoints import write_checkpoint
from tests.teachers.parsers import SENTENCES as TREES, conllu as trees, train_parser
from tests.teachers.stanza_models import write_download, write_models


def _transformer_teacher(folder: Path, work: Path) -> None:
    """In `transformer-teacher`, of stock's classes, under the transformer of the folder `transformer`."""
    model = save_bert(folder / "transformer", depth=6)
    piece = {"type": "pretrained_transformer_mismatched", "model_name": str(model)}
    archive = train_tagger(
        work,
        indexer=piece,
        text_field_embedder={"token_embedders": {"tokens": piece}},
        encoder={"type": "pass_through", "input_dim": 8},
    )
    (folder / "transformer-teacher").mkdir()
    shutil.copy(archive, folder / "transformer-teacher")


def _demo_teacher(folder: Path) -> None:
    """As `make demo` leaves it: a stock tagger of part-of-speech tags, and the treebank."""
    data = folder / "data" / "turkish"
    data.mkdir(parents=True)
    for name in ("train", "dev", "test"):
        (data / f"{name}.conllu").write_text(conllu(), encoding="utf-8")
    config: Dict[str, Any] = {
        "dataset_reader": {"type": "conllu_tagging", "column": "xpos"},
        "train_data_path": str(data / "train.conllu"),
        "model": {
            "type": "crf_tagger",
            "text_field_embedder": {
                "token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 4}}
            },
            "encoder": {"type": "lstm", "input_size": 4, "hidden_size": 3},
        },
        "data_loader": {"batch_size": 2},
        "trainer": {"optimizer": "adam", "num_epochs": 1, "cuda_device": -1},
    }
    train_model(Params(config), str(folder / "teacher"))


def make_world(folder: Path) -> Path:
    """Corpora of four sentences, a raw text, and the archives of tiny teachers.

    # Returns

    `Path`
        The folder, to be copied for each page.
    """
    folder.mkdir()
    chunks = columns(lambda row: row[0], lambda row: row[1], lambda row: row[2])
    for name in ("train", "dev"):
        (folder / f"{name}.txt").write_text(chunks, encoding="utf-8")
        (folder / f"{name}.conllu").write_text(trees(), encoding="utf-8")
    (folder / "silver.txt").write_text(chunks, encoding="utf-8")
    (folder / "raw_dev.txt").write_text("A dog sleeps.\n", encoding="utf-8")
    (folder / "raw.txt").write_text("The cat isn't asleep.\nDogs run.\n", encoding="utf-8")
    (folder / "text.txt").write_text("The cat sleeps. A dog runs.", encoding="utf-8")
    write_vectors(folder / "vectors.txt", {"the": 0.1, "unheard": 0.2})
    work = folder.parent / "work"
    archives = {
        "teacher": train_tagger(work / "teacher"),
        "parser": train_parser(work / "parser", with_tags=False),
    }
    for name, archive in archives.items():
        (folder / name).mkdir()
        shutil.copy(archive, folder / name)
    shutil.copytree(folder / "teacher", folder / "teacher2")
    shutil.copytree(folder / "teacher", folder / "runs" / "plain")
    _transformer_teacher(folder, work / "transformer")
    _demo_teacher(folder / "runs" / "demo")
    write_checkpoint(folder / "checkpoint", "bert", ["O", "B-NP", "I-NP", "B-VP"])
    if find_spec("stanza") is not None:
        write_models(work / "stanza", trees=TREES)
        write_download(work / "stanza", folder / "stanza_resources", ("ner", "pos", "depparse"))
    # The configuration that a page shows whole, and its run.
    block = next(each for each in by_page()["docs/how-to/by_hand.md"] if each.kind == "jsonnet")
    (folder / "distill.jsonnet").write_text(block.text, encoding="utf-8")
    return folder
