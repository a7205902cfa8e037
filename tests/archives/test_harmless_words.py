"""What looks like a foreign name in an honest configuration, and is none; and what is one beside it."""

import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader
from allennlp.models import Model

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.archive_parts import archive_parts
from allennlp_kd.archives.external_references import Remedies
from allennlp_kd.archives.given_files import GivenFiles, foreign_transformers, transformers
from allennlp_kd.archives.stock_classes import REGISTERED, with_registered_type
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from spacy_bridge.packaging.student_files import student_files
from tests.archives.building import EMBEDDER, at, packed
from tests.archives.test_honest_archives import emissions, transformer_archive

INDEXER = "dataset_reader.token_indexers.tokens"
PATHS = {
    "model.type": "allennlp_models.tagging.models.crf_tagger.CrfTagger",
    "dataset_reader.type": "allennlp.data.dataset_readers.sequence_tagging.SequenceTaggingDatasetReader",
}


def parts(place: str, value: Any, given: GivenFiles = GivenFiles()) -> Dict[str, Any]:  # noqa: B008
    """The parts of a small configuration with this value at this place, checked without trust."""
    config: Dict[str, Any] = {
        "dataset_reader": {"type": "sequence_tagging", "token_indexers": {"tokens": {}}},
        "model": {"type": "crf_tagger", "text_field_embedder": {"token_embedders": {"tokens": {}}}},
    }
    *parents, last = place.split(".")
    inside = config
    for name in parents:
        inside = inside.setdefault(name, {})
    inside[last] = value
    content = json.dumps(config).encode()
    return archive_parts(content, [], "here", Remedies("'transformer'", "'trust'"), given)


@pytest.mark.parametrize(
    "place, value",
    [
        (f"{INDEXER}.tokenizer_kwargs", {"clean_text": False, "strip_accents": True}),
        (f"{INDEXER}.tokenizer_kwargs", {"use_auth_token": False, "trust_remote_code": None}),
        (f"{EMBEDDER}.transformer_kwargs", {"use_auth_token": None, "local_files_only": False}),
        ("model.regularizer", {"regexes": [[r"scalar\w*\.weight", {"type": "l2", "alpha": 0.1}]]}),
        ("model.regularizer", {"regexes": [["encoder.weight", "l2"], ["a/b://c", "l1"]]}),
        ("dataset_reader.word_tag_delimiter", "|/|"),
        ("dataset_reader.token_delimiter", "\\\\"),
        *PATHS.items(),
        ("model.type", "allennlp.models.crf_tagger.CrfTagger"),
        ("model.type", "allennlp_kd.models.crf_tagger_student.CrfTaggerStudent"),
    ],
)
def test_what_is_no_foreign_name(place, value):
    parts(place, value)


@pytest.mark.parametrize(
    "place, value, message",
    [
        (f"{INDEXER}.tokenizer_kwargs", {"use_auth_token": True}, "the option use_auth_token"),
        (f"{INDEXER}.tokenizer_kwargs", {"trust_remote_code": 1}, "the option trust_remote_code"),
        (f"{INDEXER}.tokenizer_kwargs", {"revision": "x"}, "the option revision"),
        ("model.regularizer", {"regexes": [["a", {"type": "a.B"}]]}, "the class 'a.B'"),
        ("model.regularizer", {"weights": r"a\b"}, "the path"),
        ("model.type", "other_package.CrfTagger", "the class 'other_package.CrfTagger' in model.type"),
        ("model.type", "allennlp.models.other.Other", "the class 'allennlp.models.other.Other'"),
        ("model.encoder", {"type": "allennlp.x.CrfTagger"}, "the class 'allennlp.x.CrfTagger'"),
    ],
)  # fmt: skip
def test_what_is_a_foreign_name_all_the_same(place, value, message):
    with pytest.raises(ArchiveError, match=message):
        parts(place, value)


def test_registered_names():
    for name, registered in REGISTERED.items():
        kinds = [kind for kind in (Model, DatasetReader) if registered in kind.list_available()]
        assert [kind.by_name(registered).__name__ for kind in kinds] == [name]
    assert with_registered_type({"type": "crf_tagger", "a": 1}) == {"type": "crf_tagger", "a": 1}
    assert with_registered_type({}) == {}


def test_a_model_by_the_path_of_its_class(place: Path, untouched: Callable[[], None]) -> None:
    expected = emissions(ArchiveTeacher(str(place / "files")))
    for where, path in PATHS.items():
        at(where, path)(place / "files", place / "outside")
    path = packed(place / "files")
    untouched()
    assert torch.equal(emissions(ArchiveTeacher(str(path))), expected)
    assert student_files(path)


def test_two_names_of_one_transformer(place: Path) -> None:
    """The indexer's folder was another one than the embedder's when the archive was made."""
    path, after = transformer_archive(place), str(place / "outside" / "after")
    expected = emissions(ArchiveTeacher(str(path), transformer=after))
    folder = place / "unpacked"
    shutil.unpack_archive(path, folder)
    config = json.loads((folder / "config.json").read_text())
    config["dataset_reader"]["token_indexers"]["pieces"]["model_name"] = "/elsewhere/tokenizer"
    (folder / "config.json").write_text(json.dumps(config))
    path = packed(folder)
    assert torch.equal(emissions(ArchiveTeacher(str(path), transformer=after)), expected)
    assert student_files(path, transformer=after)
    with pytest.raises(ConfigurationError, match="names the transformer"):
        ArchiveTeacher(str(path)).labels


def named(**slots: str) -> Dict[str, Any]:
    """A configuration with these transformers: `i_` for an indexer's, `e_` for an embedder's."""
    pieces = {slot: {"type": "t", "model_name": name} for slot, name in slots.items()}
    return {
        "reader": {"token_indexers": {k[2:]: v for k, v in pieces.items() if k[0] == "i"}},
        "model": {"token_embedders": {k[2:]: v for k, v in pieces.items() if k[0] == "e"}},
    }


@pytest.mark.parametrize(
    "config, expected",
    [
        (named(), []),
        (named(i_a="x", e_a="x"), [["x"]]),
        (named(i_a="x", e_a="y"), [["x", "y"]]),
        (named(i_a="x", e_b="y"), [["x"], ["y"]]),
        (named(i_a="x", e_a="y", i_b="y", e_b="z"), [["x", "y", "z"]]),
        (named(i_a="x", e_a="y", i_b="v", e_b="w"), [["v", "w"], ["x", "y"]]),
        ({"a": {"model_name": "x"}, "b": [{"model_name": "y"}]}, [["x"], ["y"]]),
        ({"model_name": ["x"]}, []),
    ],
)
def test_names_of_transformers(config, expected):
    assert transformers(config) == expected
    assert foreign_transformers(config, lambda name: True) == expected
    carried = {"type": "pretrained_transformer_layers", "model_name": "gone"}
    assert foreign_transformers({**config, "more": carried}, lambda name: True) == expected
    assert ["gone"] in transformers({**config, "more": carried})
