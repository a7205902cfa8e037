"""What cannot be packaged is refused by its name."""

import io
import json
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
import torch

from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.archive.safe_weights import load_weights
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.student_files import student_files
from tests.spacy_bridge.archives import parser, tagger


@pytest.fixture
def run(archive_of: Any, tmp_path: Path) -> Callable[..., Path]:
    """The folder of a run whose configuration was changed, at dotted places."""

    def change(config: Dict[str, Any], changes: Dict[str, Any]) -> Path:
        source = archive_of(config).parent
        target = tmp_path / "run"
        (target / "vocabulary").mkdir(parents=True, exist_ok=True)
        for path in [*source.glob("vocabulary/*"), source / "weights.th"]:
            (target / path.relative_to(source)).write_bytes(path.read_bytes())
        content = json.loads((source / "config.json").read_text())
        for place, value in changes.items():
            part: Any = content
            *way, last = place.split(".")
            for name in way:
                part = part[name]
            part[last] = value
        (target / "config.json").write_text(json.dumps(content))
        return target

    return change


CHARACTERS = "dataset_reader.token_indexers.characters"
EMBEDDER = "model.text_field_embedder.token_embedders"


@pytest.mark.parametrize(
    "place, value, message",
    [
        ("model.type", "esim", "model.type is 'esim', .* supported: crf_tagger"),
        ("model.encoder", {"type": "pytorch_transformer", "input_dim": 31, "num_layers": 1,
                           "activation": "mish"}, "encoder.activation is 'mish'.*relu, gelu"),
        ("model.encoder", {"type": "compose", "encoders": [{"type": "gated-cnn-encoder"}]},
         r"encoder.encoders\[0\] is of type 'gated-cnn-encoder'"),
        ("model.encoder.type", "gated-cnn-encoder", "encoder is of type 'gated-cnn-encoder'.* lstm"),
        ("model.encoder.stateful", True, "encoder.stateful is True, which cannot be packaged"),
        ("model.encoder.projection", 3, "encoder has options that cannot be packaged: 'projection'"),
        ("model.encoder.hidden_size", 5, r"'encoder._module.weight_ih_l0' must have the shape \(20, 31\)"),
        ("model.encoder", {"type": "lstm"}, "model.encoder lacks 'input_size'"),
        ("model.encoder", "lstm", "model.encoder must be an object, found 'lstm'"),
        ("model.surprise", 1, "model has options that cannot be packaged: 'surprise'"),
        ("model.label_encoding", "BILOU", "must be one of BIO, .* found 'BILOU'"),
        ("model.feedforward", {"input_dim": 18, "num_layers": 1, "hidden_dims": 2,
                               "activations": "relu"}, "no '_feedforward._linear_layers.0.weight'"),
        (f"{EMBEDDER}.tokens.type", "bag_of_word_counts", "embedder of type 'bag_of_word_counts'"),
        (f"{EMBEDDER}.tokens.max_norm", 1.0, "tokens.max_norm is 1.0"),
        (f"{EMBEDDER}.characters.encoder.type", "boe", "encoder is of type 'boe'.*cnn, lstm, gru"),
        (f"{EMBEDDER}.characters.encoder.conv_layer_activation", "hardtanh", "is 'hardtanh', which"),
        (f"{EMBEDDER}.characters.encoder.conv_layer_activation", {"type": "leaky_relu", "a": 1},
         "without options: elu"),
        (EMBEDDER, {}, "must have the same names, found"),
        ("model.text_field_embedder.type", "other", "text_field_embedder must be of type 'basic'"),
        (CHARACTERS + ".start_tokens", ["@"], "characters.start_tokens is"),
        (CHARACTERS + ".character_tokenizer.byte_encoding", "utf-16", "must be utf-8, found 'utf-16'"),
        ("dataset_reader.token_indexers.tokens.feature_name", "lemma_", "feature_name is 'lemma_'"),
        ("dataset_reader.token_indexers.tokens.namespace", None, "namespace is null"),
        ("dataset_reader.token_indexers.tokens.namespace", "labels", "'labels' has no padding"),
        ("dataset_reader.token_indexers.tokens.namespace", "gone", "no namespace 'gone'"),
        ("dataset_reader.token_indexers.tokens.namespace", "token_characters", "rows for"),
    ],
)  # fmt: skip
def test_taggers(run: Any, place: str, value: Any, message: str) -> None:
    with pytest.raises(BridgeError, match=message):
        student_files(run(tagger(), {place: value}))


@pytest.mark.parametrize(
    "place, value, message",
    [
        (
            "model.pos_tag_embedding",
            {"type": "bag_of_word_counts"},
            "pos_tag_embedding must be of type 'embedding'",
        ),
        (
            "model.use_mst_decoding_for_validation",
            False,
            "each word's head independently.*one of exact",
        ),
        ("dataset_reader.tokenizer", {"type": "letters_digits"}, "tokenizer splits words"),
    ],
)
def test_parsers(run: Any, place: str, value: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        student_files(run(parser(), {place: value}))


def test_greedy_parsers_with_a_decoder_chosen(run: Any) -> None:
    folder = run(parser(), {"model.use_mst_decoding_for_validation": False})
    assert json.loads(student_files(folder, decoder="exact")["settings.json"])["decoder"] == "exact"


def test_choices_that_fit_no_student(archive_of: Any) -> None:
    with pytest.raises(UnsupportedError, match="the decoder must be one of .*, found 'best'"):
        student_files(archive_of(parser()), decoder="best")
    with pytest.raises(UnsupportedError, match="decoder is for parsers, .* found decoder 'exact'"):
        student_files(archive_of(tagger()), decoder="exact")
    with pytest.raises(UnsupportedError, match="encoding is for taggers, .* found encoding 'BIO'"):
        student_files(archive_of(parser()), encoding="BIO")
    with pytest.raises(
        UnsupportedError, match="label_encoding is 'BIO', but the encoding 'BMES' is given"
    ):
        student_files(archive_of(tagger()), encoding="BMES")


def test_archives_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    for path, message in (
        (tmp_path / "gone", "cannot be opened as an archive"),
        (tmp_path / "text", "text is damaged or not an archive"),
        (tmp_path, "it has no config.json"),
    ):
        with pytest.raises(BridgeError, match=message):
            StudentArchive(path)
    (tmp_path / "config.json").write_text("{,")
    (tmp_path / "weights.th").write_bytes(b"")
    with pytest.raises(BridgeError, match="config.json of .* is not JSON"):
        StudentArchive(tmp_path)
    (tmp_path / "config.json").write_text('{"dataset_reader": {}}')
    with pytest.raises(BridgeError, match="has no student, found None"):
        StudentArchive(tmp_path)


class _Evil:
    def __reduce__(self) -> Any:
        return print, ("run",)


def test_weights_that_run_code_are_refused(capsys: Any) -> None:
    for protocol in (True, False):
        target = io.BytesIO()
        torch.save({"x": _Evil()}, target, _use_new_zipfile_serialization=protocol)
        with pytest.raises(BridgeError, match="the weights of x are damaged, or contain more"):
            load_weights(target.getvalue(), "x")
    assert capsys.readouterr().out == ""


def test_weights_that_are_no_tensors() -> None:
    for content, message in (({"x": 1}, "contain 'x' of type int, which is not a tensor"),):
        target = io.BytesIO()
        torch.save(content, target)
        with pytest.raises(BridgeError, match=message):
            load_weights(target.getvalue(), "x")
    with pytest.raises(BridgeError, match="the weights of x are damaged"):
        load_weights(b"nothing", "x")


def test_half_precision_becomes_single() -> None:
    target = io.BytesIO()
    torch.save({"x": torch.ones(2, dtype=torch.float16), "n": torch.ones(2).long()}, target)
    weights = load_weights(target.getvalue(), "x")
    assert str(weights["x"].dtype) == "float32" and str(weights["n"].dtype) == "int64"


def test_labels_of_a_padded_namespace_keep_their_numbers(archive_of: Any) -> None:
    opened = StudentArchive(archive_of(parser()))
    assert opened.labels("pos")[:2] == ["@@PADDING@@", "@@UNKNOWN@@"]
    found: List[str] = opened.labels("head_tags")
    assert "@@PADDING@@" not in found and set(found) == set(parser()["tags"])
