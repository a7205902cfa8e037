import argparse
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from allennlp.common.checks import ConfigurationError

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.commands.score import KdScore
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.configs.corpora import SENTENCES, write_corpora
from tests.models.parsing import SENTENCES as TREES
from tests.teachers.archives import train_tagger
from tests.teachers.parsers import train_parser

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdScore().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-score", *words])
    arguments.func(arguments)


@pytest.fixture
def config(tmp_path):
    data = write_corpora(tmp_path / "data") / "conll2000"
    archive = train_tagger(tmp_path / "tagger")
    content = {
        "dataset_reader": {
            "type": "distillation",
            "reader": {"type": "conll2000"},
            "teacher": {
                "type": "store",
                "directory": str(tmp_path / "store"),
                "teacher": {"type": "archive", "archive_file": archive},
            },
        },
        "train_data_path": str(data / "train-first-7936.txt"),
        "validation_data_path": str(data / "dev-last-1000.txt"),
    }
    path = tmp_path / "distill.json"
    path.write_text(json.dumps(content))
    return path


def test_scores_into_the_store_that_the_configuration_names(config, tmp_path):
    run(str(config))
    assert len(StoreTeacher(str(tmp_path / "store"))._open()) == len(SENTENCES)
    before = sorted((tmp_path / "store").iterdir())
    run(str(config), "--data", "train_data_path")
    assert sorted((tmp_path / "store").iterdir()) == before


def test_a_store_inside_of_a_conversion(config, tmp_path):
    content = json.loads(config.read_text())
    reader = content["dataset_reader"]
    reader["teacher"] = {"type": "converted", "to": "independent", "teacher": reader["teacher"]}
    config.write_text(json.dumps(content))
    run(str(config), "--dry-run")
    run(str(config))
    assert len(StoreTeacher(str(tmp_path / "store"))._open()) == len(SENTENCES)


class TestValidationReader:
    """`allennlp train` reads all but the training data with it."""

    @pytest.fixture
    def other(self, config, tmp_path):
        (tmp_path / "dev.txt").write_text("the###D walrus###N\n")
        content = json.loads(config.read_text())
        content["validation_data_path"] = str(tmp_path / "dev.txt")
        reader = {**content["dataset_reader"], "reader": {"type": "sequence_tagging"}}
        content["validation_dataset_reader"] = reader
        return content

    def test_reads_validation_data(self, config, other, tmp_path, caplog):
        caplog.set_level("INFO")
        config.write_text(json.dumps(other))
        run(str(config))
        store = StoreTeacher(str(tmp_path / "store"))
        assert Sentence(("the", "walrus")).key in store._open()
        assert f"{len(store._open())} sentences with " in caplog.text

    def test_may_have_another_store(self, config, other, tmp_path, caplog):
        caplog.set_level("INFO")
        teacher = other["dataset_reader"]["teacher"]
        there = {**teacher, "directory": str(tmp_path / "validation")}
        other["validation_dataset_reader"]["teacher"] = there
        config.write_text(json.dumps(other))
        run(str(config))
        assert len(StoreTeacher(str(tmp_path / "validation"))._open()) == 1
        assert Sentence(("the", "walrus")).key not in StoreTeacher(str(tmp_path / "store"))._open()
        assert "1 sentences with 2 words" in caplog.text

    def test_may_have_none(self, config, other, tmp_path):
        other["validation_dataset_reader"] = {"type": "sequence_tagging"}
        config.write_text(json.dumps(other))
        run(str(config))
        assert Sentence(("the", "walrus")).key not in StoreTeacher(str(tmp_path / "store"))._open()
        with pytest.raises(
            ConfigurationError, match="no validation_data_path to score; it has train_data_path$"
        ):
            run(str(config), "--data", "validation_data_path")


def test_scores_text_without_gold_too(config, tmp_path):
    content = json.loads(config.read_text())
    (tmp_path / "raw.txt").write_text("The cat isn't asleep.\nDogs run.\n")
    content["train_data_path"] = {
        "labelled": content["train_data_path"],
        "unlabelled": str(tmp_path / "raw.txt"),
    }
    content["dataset_reader"]["unlabelled_reader"] = {"type": "plain_text"}
    config.write_text(json.dumps(content))
    run(str(config))
    assert len(StoreTeacher(str(tmp_path / "store"))._open()) == len(SENTENCES) + 2


def test_scores_trees(config, tmp_path):
    archive = train_parser(tmp_path / "parser", with_tags=True)
    content = json.loads(config.read_text())
    reader = content["dataset_reader"]
    reader["reader"] = {"type": "universal_dependencies"}
    reader["teacher"]["teacher"]["archive_file"] = archive
    for name in ("train_data_path", "validation_data_path"):
        content[name] = str(tmp_path / "parser" / "trees.conllu")
    config.write_text(json.dumps(content))
    run(str(config))
    store = StoreTeacher(str(tmp_path / "store"))
    assert len(store._open()) == len(TREES) and store.structure == "tree"


def test_says_what_it_will_take(config, tmp_path, caplog):
    caplog.set_level("INFO")
    run(str(config), "--dry-run")
    assert f"{len(SENTENCES)} sentences with " in caplog.text
    assert re.search("their scores need about .*[KMB] on disk, where .* are free", caplog.text)
    assert not (tmp_path / "store").exists()  # so another dtype may follow
    teacher = "dataset_reader.teacher"
    smaller = json.dumps({f"{teacher}.dtype": "float16", f"{teacher}.marginals": True})
    run(str(config), "--dry-run", "-o", smaller)
    assert not (tmp_path / "store").exists()
    run(str(config))
    run(str(config), "--dry-run")
    assert "0 sentences with 0 words must be scored" in caplog.text


def test_no_store(config):
    live = json.loads(config.read_text())["dataset_reader"]["teacher"]["teacher"]
    with pytest.raises(
        ConfigurationError, match="has no store to score into.*of type 'store', found 'archive'"
    ):
        run(str(config), "-o", json.dumps({"dataset_reader.teacher": live}))
    with pytest.raises(
        ConfigurationError, match="must be of type 'distillation', found 'conll2000'"
    ):
        run(str(config), "-o", json.dumps({"dataset_reader": {"type": "conll2000"}}))


def test_data_that_the_configuration_lacks(config):
    with pytest.raises(
        ConfigurationError, match="has no test_data_path to score; it has train_data_path"
    ):
        run(str(config), "--data", "test_data_path")


@pytest.mark.slow
def test_two_at_once(config, tmp_path):
    (tmp_path / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "allennlp", "kd-score", str(config)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for each in started:
        output, _ = each.communicate(timeout=300)
        assert each.returncode == 0, output
        assert f"contains the scores of all {len(SENTENCES)} sentences" in output
    assert len(StoreTeacher(str(tmp_path / "store"))._open()) == len(SENTENCES)


@pytest.mark.slow
def test_as_a_command(config, tmp_path):
    (tmp_path / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "allennlp",
            "kd-score",
            str(config),
            "--include-package",
            "allennlp_kd",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "scoring: 100%" in found.stderr
    assert f"contains the scores of all {len(SENTENCES)} sentences" in found.stdout + found.stderr
    assert len(StoreTeacher(str(tmp_path / "store"))._open()) == len(SENTENCES)


def test_this_repository_is_a_plugin():
    assert (ROOT / ".allennlp_plugins").read_text() == "allennlp_kd.plugin\n"
