"""Packaged transformer students say what AllenNLP says."""

import json
import tarfile
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy
import pytest

import allennlp_kd.modules.pretrained_transformer_layers_embedder  # noqa: F401
import allennlp_kd.modules.pretrained_transformer_layers_indexer  # noqa: F401
from spacy_bridge.errors import BridgeError, PackageError, UnsupportedError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.modules.conftest import BUILDERS
from tests.spacy_bridge.archives import WORDS, make_archive, parser, predict, tagger

SENTENCES: List[List[str]] = [
    ["the", "cat", "sleeping", "."],
    ["a"],
    ["\u200b", "dogs", "running", "b12b", "the"],  # the first has no word piece
    ["a", "b", "the", "dogs"] * 6,  # more pieces than max_length
]


def inputs(kind: str, folder: Path, **options: Any) -> Dict[str, Any]:
    indexer = {"type": kind, "model_name": str(folder), "max_length": 12}
    embedder = {**indexer, **options}
    if "tokenizer_kwargs" in options:
        indexer["tokenizer_kwargs"] = options["tokenizer_kwargs"]
    return {
        "indexers": {"pieces": indexer, "a": WORDS},
        "embedders": {"pieces": embedder, "a": {"type": "embedding", "embedding_dim": 3}},
        "encoder": {"type": "pass_through", "input_dim": 11},
    }


def check(path: Path, transformer: Optional[Path] = None, trust: bool = False) -> None:
    files = student_files(path, transformer=transformer and str(transformer), trust=trust)
    student = open_student({**files, "manifest.json": sum_up(files)})
    expected = predict(path, SENTENCES)
    lengths = sorted({len(words) for words in SENTENCES}, reverse=True)
    order = sorted(range(len(SENTENCES)), key=lambda row: -len(SENTENCES[row]))
    batch = [SENTENCES[row] for row in order]
    (emissions,), layout = student.outputs(batch)
    for row, slots, count in zip(order, layout.slots, layout.lengths):
        logits = expected[row]["logits"][:count]
        assert numpy.abs(emissions[slots[:count]] - logits).max() < 1e-4
    assert student(SENTENCES) == [output["tags"] for output in expected]
    assert len(lengths) > 3
    # AllenNLP fails on a sentence without pieces beside a folded one.
    assert [len(tags) for tags in student([["\u200b"], *SENTENCES])][:2] == [1, 4]


@pytest.mark.parametrize("kind", BUILDERS)
def test_equals_allennlp(kind: str, tmp_path: Path) -> None:
    folder = BUILDERS[kind](tmp_path / "checkpoint", depth=2)
    config = inputs("pretrained_transformer_mismatched", folder)
    check(make_archive(tmp_path / "student", tagger(**config), scale=1.5), folder)


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_matched(kind: str, tmp_path: Path) -> None:
    """Each word is a word piece, or unknown."""
    folder = BUILDERS[kind](tmp_path / "checkpoint", depth=2)
    part = {"type": "pretrained_transformer", "model_name": str(folder)}
    config = {**inputs("", folder), "indexers": {"pieces": part, "a": WORDS}}
    config["embedders"] = {**config["embedders"], "pieces": part}
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    sentences = [words for words in SENTENCES if len(words) < 20]
    files = student_files(path, transformer=str(folder))
    student = open_student({**files, "manifest.json": sum_up(files)})
    assert student(sentences) == [output["tags"] for output in predict(path, sentences)]
    pieces = student._encode._sentences["pieces"]
    assert len(pieces.pieces_of("running")) == 1 and pieces.pieces_of("zzz") == pieces.pieces_of(
        "##"
    )
    part["max_length"] = 12
    path = make_archive(tmp_path / "short", tagger(**config))
    with pytest.raises(UnsupportedError, match="max_length is 12, which cannot be packaged with"):
        student_files(path, transformer=str(folder))


def test_max_length_of_the_indexer_alone(tmp_path: Path) -> None:
    """AllenNLP fails on sentences that are longer; the package folds them."""
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = inputs("pretrained_transformer_mismatched", folder)
    del config["embedders"]["pieces"]["max_length"]
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    files = student_files(path, transformer=str(folder))
    student = open_student({**files, "manifest.json": sum_up(files)})
    short = [words for words in SENTENCES if len(words) < 5]
    assert student(short) == [output["tags"] for output in predict(path, short)]
    assert [len(tags) for tags in student(SENTENCES)] == [len(words) for words in SENTENCES]


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("kind", ["bert", "distilbert", "roberta"])
def test_long_sentences_without_max_length(
    kind: str, traced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AllenNLP fails on sentences with more pieces than positions; the package folds them."""
    from spacy_bridge.packaging.networks import transformer

    if traced:
        monkeypatch.setattr(transformer, "is_supported", lambda config: False)
    folder = BUILDERS[kind](tmp_path / "checkpoint", depth=1)
    config = inputs("pretrained_transformer_mismatched", folder)
    for part in ("indexers", "embedders"):
        del config[part]["pieces"]["max_length"]
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    files = student_files(path, trust=True)
    # RoBERTa's table has 32 rows too, of which 2 are not for positions.
    limit = 30 if kind == "roberta" else 32
    assert json.loads(files["settings.json"])["inputs"]["pieces"]["max_length"] == limit
    student = open_student({**files, "manifest.json": sum_up(files)})
    longest = [["a", "b"] * (limit // 2 - 1), ["the", "a"]]
    if kind != "roberta":  # whose words may have several pieces
        assert student(longest) == [output["tags"] for output in predict(path, longest)]
    long = [["the", "a" * 90], ["b", "1"] * 40, ["a"]]
    assert [len(tags) for tags in student(long)] == [2, 80, 1]


def test_matched_pieces_beyond_the_positions(tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    part = {"type": "pretrained_transformer", "model_name": str(folder)}
    config = {**inputs("", folder), "indexers": {"pieces": part, "a": WORDS}}
    config["embedders"] = {**config["embedders"], "pieces": part}
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    files = student_files(path, transformer=str(folder))
    student = open_student({**files, "manifest.json": sum_up(files)})
    sentences = [["a", "b"] * 16, ["a", "b"] * 20]
    assert student(sentences[:1]) == [output["tags"] for output in predict(path, sentences[:1])]
    assert [len(tags) for tags in student(sentences)] == [32, 40]


@pytest.mark.parametrize("length", [1, 2])
def test_max_length_without_room(length: int, tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = inputs("pretrained_transformer_mismatched", folder)
    path = make_archive(tmp_path / "student", tagger(**config))
    files = student_files(path, trust=True)
    content = json.loads(files["settings.json"])
    content["inputs"]["pieces"]["max_length"] = length
    files["settings.json"] = json.dumps(content).encode("utf-8")
    message = f"max_length must be more than the 2 .*, found {length}"
    with pytest.raises(PackageError, match=message):
        open_student({**files, "manifest.json": sum_up(files)})
    content = json.loads((path.parent / "config.json").read_text())
    for part in (
        content["dataset_reader"]["token_indexers"],
        content["model"]["text_field_embedder"]["token_embedders"],
    ):
        part["pieces"]["max_length"] = length
    (path.parent / "config.json").write_text(json.dumps(content))
    (path.parent / "model.tar.gz").unlink()
    with pytest.raises(UnsupportedError, match=message):
        student_files(path.parent, trust=True)


@pytest.mark.parametrize("kind", ["bert", "distilbert"])
@pytest.mark.parametrize("changes", [{"num_hidden_layers": 1}, {"hidden_act": "relu"},
                                     {"add_pooling_layer": False}])  # fmt: skip
def test_transformer_kwargs(kind: str, changes: Dict[str, Any], tmp_path: Path) -> None:
    if kind == "distilbert":
        changes = {{"hidden_act": "activation"}.get(name, name): value
                   for name, value in changes.items() if name != "add_pooling_layer"}  # fmt: skip
    folder = BUILDERS[kind](tmp_path / "checkpoint", depth=2)
    config = inputs("pretrained_transformer_mismatched", folder, transformer_kwargs=changes)
    check(make_archive(tmp_path / "student", tagger(**config), scale=1.5), folder, trust=True)


def test_transformer_kwargs_that_are_unknown(tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = inputs("pretrained_transformer_mismatched", folder)
    path = make_archive(tmp_path / "student", tagger(**config))
    content = json.loads((path.parent / "config.json").read_text())
    embedder = content["model"]["text_field_embedder"]["token_embedders"]["pieces"]
    embedder["transformer_kwargs"] = {"trust_remote_code": True}
    (path.parent / "config.json").write_text(json.dumps(content))
    (path.parent / "model.tar.gz").unlink()
    for trust in (False, True):
        with pytest.raises(BridgeError, match="trust_remote_code"):
            student_files(path.parent, transformer=str(folder), trust=trust)


@pytest.mark.parametrize("options", [{"last_layer_only": False}, {"sub_token_mode": "first"}])
def test_options(options: Dict[str, Any], tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=3)
    config = inputs("pretrained_transformer_mismatched", folder, **options)
    check(make_archive(tmp_path / "student", tagger(**config), scale=1.5), folder)


def test_a_parser_of_word_pieces(tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=2)
    parts = inputs("pretrained_transformer_mismatched", folder)
    config = parser(encoder=parts["encoder"])
    config["dataset_reader"]["token_indexers"] = parts["indexers"]
    config["model"]["text_field_embedder"]["token_embedders"] = parts["embedders"]
    path = make_archive(tmp_path / "student", config, scale=1.2)
    files = student_files(path, trust=True)
    sentences = [list(dict.fromkeys(words)) for words in SENTENCES]
    found = open_student({**files, "manifest.json": sum_up(files)})(sentences)
    for parsed, output in zip(found, predict(path, sentences)):
        assert parsed.heads == list(output["predicted_heads"])
        assert parsed.labels == output["predicted_dependencies"]


@pytest.mark.parametrize("kind", ["bert", "roberta"])
def test_what_is_built_by_hand_equals_the_trace(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spacy_bridge.packaging.networks import transformer

    folder = BUILDERS[kind](tmp_path / "checkpoint", depth=2)
    config = inputs("pretrained_transformer_mismatched", folder)
    config["indexers"]["pieces"]["max_length"] = config["embedders"]["pieces"]["max_length"] = 30
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    packed = student_files(path, trust=True)
    monkeypatch.setattr(transformer, "is_supported", lambda config: False)
    traced = student_files(path, trust=True)
    by_hand, by_trace = (
        open_student({**files, "manifest.json": sum_up(files)})._encode
        for files in (packed, traced)
    )
    # The padding piece as a word shifts the positions of what follows in RoBERTa.
    sentences = [["the", "cat", "<pad>", "dogs"], ["<pad>", "<pad>"], ["a"] * 20, ["b", "<pad>"]]
    assert numpy.abs(by_hand(sentences) - by_trace(sentences)).max() < 1e-5


def test_layers_are_read_from_the_archive_alone(tmp_path: Path) -> None:
    import shutil

    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=4)
    config = inputs("pretrained_transformer_layers", folder, layers=[0, 2])
    made = make_archive(tmp_path / "student", tagger(**config), scale=1.5, carries=True)
    with tarfile.open(made) as archive:
        assert any(".transformers" in name for name in archive.getnames())
    shutil.rmtree(folder)
    check(made)


def test_without_the_tokenizers_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = inputs("pretrained_transformer_mismatched", folder)
    files = student_files(make_archive(tmp_path / "student", tagger(**config)), trust=True)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(PackageError, match=r"pip install 'allennlp-kd\[transformer\]'"):
        open_student({**files, "manifest.json": sum_up(files)})


def test_what_does_not_fit(tmp_path: Path) -> None:
    folder = BUILDERS["bert"](tmp_path / "checkpoint", depth=1)
    config = tagger(**inputs("pretrained_transformer_mismatched", folder))
    path = make_archive(tmp_path / "student", config).parent
    (path / "model.tar.gz").unlink()
    content = json.loads((path / "config.json").read_text())
    embedder = content["model"]["text_field_embedder"]["token_embedders"]["pieces"]
    for option, value, message in (
        ("max_length", 9, "max_length must be the same, found 12 and 9"),
        ("sub_module", "encoder", "sub_module is 'encoder', which cannot be packaged"),
        ("model_name", "elsewhere", "model_name must be the same"),
        ("unheard_of", 1, "options that cannot be packaged: 'unheard_of'"),
    ):
        old = embedder.pop(option, None)
        embedder[option] = value
        (path / "config.json").write_text(json.dumps(content))
        with pytest.raises(UnsupportedError, match=message):
            student_files(path, trust=True)
        del embedder[option]
        if old is not None:
            embedder[option] = old
