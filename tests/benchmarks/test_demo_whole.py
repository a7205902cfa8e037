"""`make demo` from its treebank to its tables, small: few sentences, an epoch each, no wheel."""

import logging
import signal
from pathlib import Path
from typing import Any, List

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401 (registers)
from benchmarks import __main__ as entry
from benchmarks.demo import __main__ as demo, data
from benchmarks.demo.training import Training

ROOT = Path(__file__).resolve().parents[2]
WORDS = ("Bu", "küçük", "model", "öğrendi", ".")


def treebank() -> str:
    """Sentences of one to five words, each word under the one before it."""
    blocks = []
    for number in range(40):
        rows = [
            f"{place}\t{word}\t_\tX\tT{place}\t_\t{place - 1}\t{'dep' if place > 1 else 'root'}\t_\t_"
            for place, word in enumerate(WORDS[: 1 + number % len(WORDS)], start=1)
        ]
        blocks.append("\n".join([f"# sent_id = {number}", *rows]))
    return "\n\n".join(blocks) + "\n\n"


def train_small(trainings: List[Training], folder: Path, jobs: int) -> None:
    """In this process, where the demo starts others."""
    for training in trainings:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("ALLENNLP_KD_DATA", str(folder))
            small = {"trainer.num_epochs": 1, "trainer.cuda_device": -1, **training.overrides}
            train_model(Params.from_file(str(training.config), small), str(training.run))
        if training.finish is not None:
            training.finish(training.run / "model.tar.gz")


@pytest.mark.slow
def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    source = tmp_path / "source.conllu"
    source.write_text(treebank(), encoding="utf-8")
    (tmp_path / "training_configs").symlink_to(ROOT / "training_configs")
    monkeypatch.setattr(data, "treebank_files", lambda: [source])
    monkeypatch.setattr(data, "NUM_TEST", 8)
    monkeypatch.setattr(data, "NUM_DEV", 8)
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "train_all", train_small)
    served = []
    monkeypatch.setattr(demo, "serve", lambda archives, *_: served.append(archives) or "served")
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    level = logging.getLogger("allennlp").level
    try:
        assert entry.main(["demo"]) == 0
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert logging.getLogger("allennlp").level == level
    printed = capsys.readouterr().out
    assert "treebank: 8 test, 8 dev, 24 train sentences" in printed
    rows = [line for line in printed.splitlines() if line.startswith("| ") and "packaged" in line]
    labels = [row.split("|")[1].strip() for row in rows]
    assert labels == 2 * [
        "teacher, packaged",
        "teacher, packaged, int8",
        "plain, packaged",
        "distilled, packaged",
        "distilled, packaged, int8",
    ]
    assert len(rows) == 10 and all(" x " in row for row in rows)
    assert printed.count("gap recovered: ") == 2
    # The figures and what spaCy says come last.
    end = printed[printed.index("seconds: training") :]
    assert "parser: LAS on test" in end and "tagger: accuracy on test" in end
    assert end.rstrip().endswith("served")
    figures = tmp_path / "runs" / "demo" / "figures"
    assert {path.name for path in figures.glob("*.svg")} == {
        "frontier_tagger.svg",
        "frontier_parser.svg",
    }
    assert {name: path.is_file() for name, path in served[0].items()} == {
        "tagger": True,
        "parser": True,
    }
