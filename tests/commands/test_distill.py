import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.commands.distill import KdDistill
from tests.commands.test_init import chunks, run as init, trees
from tests.configs.corpora import write_corpora
from tests.teachers.archives import train_tagger
from tests.teachers.checkpoints import write_checkpoint
from tests.teachers.parsers import train_parser

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdDistill().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-distill", *map(str, words)])
    arguments.func(arguments)


@pytest.fixture
def short(tmp_path, monkeypatch):
    """A folder to work in, and overrides that make a training short."""
    monkeypatch.chdir(tmp_path)
    return ["-o", json.dumps({"trainer.num_epochs": 2})]


@pytest.mark.slow
def test_from_an_archive_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    init(train_tagger(tmp_path / "tagger"), *chunks(corpora), "--no-estimate")
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", *short)
    said = capsys.readouterr().out
    assert "[1/4] score: the scores of all sentences are in the store" in said
    assert "[2/4] train: trained, f1-measure-overall on the dev set" in said
    assert "[3/4] compare: f1: teacher" in said and "report/index.html" in said
    folder = said.split('spacy.load("')[1].split('"')[0]
    nlp = spacy.load(folder)
    assert "chunks" in nlp("A small model tags this.").spans
    # Again: what is done is not done again.
    before = (tmp_path / "runs/distill/model.tar.gz").stat().st_mtime_ns
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", *short)
    assert "[2/4] train: already trained" in capsys.readouterr().out
    assert (tmp_path / "runs/distill/model.tar.gz").stat().st_mtime_ns == before


@pytest.mark.slow
def test_from_a_checkpoint_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    labels = ["O", "B-NP", "I-NP", "B-VP", "I-VP", "B-PP"]
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "bert", labels)
    init(checkpoint, *chunks(corpora), "--no-estimate")
    assert "labels that the teacher lacks" not in capsys.readouterr().out
    run("distill.jsonnet", "-s", "runs/distill", "--package", "chunks", "--int8", *short)
    said = capsys.readouterr().out
    assert "[2/3] train: trained" in said
    assert spacy.load(said.split('spacy.load("')[1].split('"')[0])("A small model.")


@pytest.mark.slow
def test_from_a_parser_to_a_pipeline(tmp_path, short, capsys):
    corpora = write_corpora(tmp_path / "corpora")
    init(train_parser(tmp_path / "parser", False), *trees(corpora), "--no-estimate")
    run("distill.jsonnet", "-s", "runs/distill", "--package", "trees", *short)
    said = capsys.readouterr().out
    assert "compare: LAS: teacher" in said
    nlp = spacy.load(said.split('spacy.load("')[1].split('"')[0])
    assert nlp("A small model parses this.").has_annotation("DEP")


@pytest.mark.slow
@pytest.mark.parametrize("more, lines", [([], 1), (["--traceback"], 5)])
def test_an_error_is_one_line(tmp_path, more, lines):
    (tmp_path / ".allennlp_plugins").write_text("allennlp_kd.plugin\n")
    (tmp_path / "config.json").write_text('{"dataset_reader": {"type": "conll2000"}}')
    command = ["kd-distill", "config.json", "-s", "run", *more]
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "allennlp", *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 1
    said = [line for line in result.stderr.splitlines() if line.strip()]
    if more:
        assert "Traceback" in result.stderr and len(said) >= lines
    else:
        errors = [line for line in said if line.startswith("error: ")]
        assert len(errors) == 1 and "has no store to score into" in errors[0]
        assert "Traceback" not in result.stderr
