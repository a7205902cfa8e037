"""What a user's own archive needs to be opened, and that nothing about it changes by the care."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any, Callable, Dict

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.modules import Seq2SeqEncoder

import allennlp_kd.plugin  # noqa: F401 (registers what configurations name)
from allennlp_kd.commands.store_parameters import trusted as trusting
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.archive.registered_types import registered_types_only
from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.student_files import student_files
from tests.archives.building import EMBEDDER, Runs, at, configured, packed
from tests.modules.conftest import save_bert
from tests.spacy_bridge.archives import make_archive, tagger
from tests.teachers.archive.test_archive import collated

WORDS = [("the", "cat"), ("a",)]


def transformer_archive(place: Path, kind: str = "pretrained_transformer_mismatched") -> Path:
    """Of a model whose checkpoint has gone to another place since."""
    before = save_bert(place / "before", depth=2)
    piece = {"type": kind, "model_name": str(before), "max_length": 12}
    config = tagger(
        indexers={"pieces": piece},
        embedders={"pieces": dict(piece)},
        encoder={"type": "pass_through", "input_dim": 8},
    )
    made = make_archive(place / "made", config, carries=True)
    shutil.move(str(before), str(place / "outside" / "after"))
    return made


def emissions(teacher: ArchiveTeacher) -> torch.Tensor:
    return teacher.potentials(collated(teacher, WORDS)["value"]).emissions


def test_a_transformer_is_opened_where_the_user_says(place: Path) -> None:
    path, after = str(transformer_archive(place)), str(place / "outside" / "after")
    with pytest.raises(ConfigurationError) as refusal:
        ArchiveTeacher(path).labels
    for part in (
        path,
        str(place / "before"),
        "set 'transformer' to the folder",
        "or 'trust: true'",
    ):
        assert part in str(refusal.value)
    found = emissions(ArchiveTeacher(path, transformer=after))
    with pytest.raises(ConfigurationError, match="it names .*before, which are not folders here"):
        ArchiveTeacher(path, trust=True).labels
    shutil.copytree(after, place / "before")
    assert torch.equal(emissions(ArchiveTeacher(path, trust=True)), found)

    with pytest.raises(BridgeError, match="set --transformer to the folder .* or --trust"):
        student_files(Path(path))
    files = student_files(Path(path), transformer=after)
    assert files["input0.onnx"] == student_files(Path(path), trust=True)["input0.onnx"]


def test_a_carried_transformer_needs_no_trust(place: Path, untouched: Callable[[], None]) -> None:
    path = transformer_archive(place, "pretrained_transformer_layers")
    untouched()
    assert torch.isfinite(emissions(ArchiveTeacher(str(path)))).all()
    assert "input0.onnx" in student_files(path)


def test_a_transformer_that_has_nothing_to_replace(place: Path) -> None:
    path = str(packed(place / "files"))
    with pytest.raises(
        ConfigurationError, match="names 0 transformers; transformer 'x' can replace"
    ):
        ArchiveTeacher(path, transformer="x").labels
    piece = {"type": "pretrained_transformer", "model_name": "one"}
    at("dataset_reader.token_indexers.a", {**piece, "model_name": "two"})(
        place / "files", place / "outside"
    )
    at(EMBEDDER, piece)(place / "files", place / "outside")
    with pytest.raises(ConfigurationError, match="names 2 transformers: one; two; transformer 'x'"):
        ArchiveTeacher(path, transformer="x").labels


def test_the_users_transformer_does_not_excuse_the_rest(place: Path) -> None:
    piece = {"type": "pretrained_transformer", "model_name": "x", "override_weights_file": "y"}
    path = at(EMBEDDER, piece)(place / "files", place / "outside")
    with pytest.raises(
        ConfigurationError, match="the file 'y' in .*override_weights_file.*'trust: true'"
    ):
        ArchiveTeacher(str(path), transformer="z").labels


def test_trust_does_not_reach_to_weights_and_jsonnet(place: Path, untouched: Any) -> None:
    torch.save({"w": Runs(place / "outside")}, place / "files" / "weights.th")
    untouched()
    with pytest.raises(ConfigurationError, match="contain more than tensors"):
        ArchiveTeacher(str(place / "files"), trust=True).labels
    path = configured(lambda config, outside: '{"model": std.extVar("HOME")}')(
        place / "files", place / "outside"
    )
    with pytest.raises(ConfigurationError, match="is not JSON"):
        ArchiveTeacher(str(path), trust=True).labels


def test_trust_lets_a_class_be_imported(place: Path) -> None:
    name = "allennlp.modules.seq2seq_encoders.pass_through_encoder.PassThroughEncoder"
    change = at("model.encoder.type", name)
    config = json.loads((place / "files" / "config.json").read_text())
    config["model"]["encoder"] = {"type": "pass_through", "input_dim": 31}
    (place / "files" / "config.json").write_text(json.dumps(config))
    path = change(place / "files", place / "outside")
    with pytest.raises(ConfigurationError, match=f"names the class '{name}' in model.encoder.type"):
        ArchiveTeacher(str(path)).labels
    # The class is found; only the weights are those of an LSTM.
    message = "do not fit its configuration: encoder._module.weight_ih_l0 is unexpected"
    with pytest.raises(ConfigurationError, match=message):
        ArchiveTeacher(str(path), trust=True).labels


def test_where_weights_came_from_in_training_is_forgotten(
    place: Path, untouched: Callable[[], None]
) -> None:
    """As stock does it: with pretrained vectors, an honest archive names files that may be gone."""
    before = emissions(ArchiveTeacher(str(place / "files")))

    def change(config: Dict[str, Any], outside: Path) -> None:
        config["model"]["text_field_embedder"]["token_embedders"]["tokens"]["pretrained_file"] = (
            str(outside / "secret.txt")
        )
        weights = {"type": "pretrained", "weights_file_path": str(outside / "secret.txt")}
        config["model"]["initializer"] = {"regexes": [[".*", weights]]}

    path = configured(change)(place / "files", place / "outside")
    untouched()
    assert torch.equal(emissions(ArchiveTeacher(str(path))), before)


def test_a_class_is_not_imported_behind_the_check() -> None:
    with registered_types_only():
        with pytest.raises(
            ConfigurationError, match="'os.path' is not a registered Seq2SeqEncoder"
        ):
            Seq2SeqEncoder.from_params(Params({"type": "os.path"}))
        made = Seq2SeqEncoder.from_params(Params({"type": "pass_through", "input_dim": 2}))
    assert made.get_output_dim() == 2
    with pytest.raises(ConfigurationError, match="unable to find class"):
        Seq2SeqEncoder.by_name("os.gone")


def test_the_commands_take_trust(place: Path, capsys: pytest.CaptureFixture) -> None:
    path = at(f"{EMBEDDER}.weight_file", "x")(place / "files", place / "outside")
    words = ["package", str(place / "out"), "--ner", str(path)]
    assert main(words) == 1
    assert "names the file 'x' in model" in capsys.readouterr().err
    assert main([*words, "--trust"]) == 1
    assert "options that cannot be packaged: 'weight_file'" in capsys.readouterr().err

    inner = {"archive_file": "a"}
    config = {"teacher": {"type": "store", "teacher": inner}, "list": [inner, 1]}
    trusted = {"archive_file": "a", "trust": True}
    assert trusting(config) == {
        "teacher": {"type": "store", "teacher": trusted},
        "list": [trusted, 1],
    }


def test_kd_score_trusts_when_it_is_told_to(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from allennlp_kd.commands.score import KdScore

    path = transformer_archive(place)
    shutil.copytree(place / "outside" / "after", place / "before")
    (place / "train.txt").write_text("the###O\tcat###O\n")
    store = {
        "type": "store",
        "directory": str(place / "store"),
        "teacher": {"archive_file": str(path)},
    }
    reader = {"type": "distillation", "reader": {"type": "sequence_tagging"}, "teacher": store}
    config = {"dataset_reader": reader, "train_data_path": str(place / "train.txt")}
    (place / "distill.json").write_text(json.dumps(config))
    parser = argparse.ArgumentParser()
    KdScore().add_subparser(parser.add_subparsers())

    def run(*words: str) -> None:
        parsed = parser.parse_args(["kd-score", str(place / "distill.json"), *words])
        parsed.func(parsed)

    with pytest.raises(ConfigurationError, match="names the transformer"):
        run()
    run("--trust")
    assert list((place / "store").glob("*.shard"))
    run("--trust")
    # Nothing is missing in it. Whether its scores are the teacher's depends on the transformer, too.
    with pytest.raises(ConfigurationError, match="names the transformer"):
        run()
