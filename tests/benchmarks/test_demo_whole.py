"""`make demo` from its treebank to its tables, small: few sentences, an epoch each, no wheel."""

import signal
from pathlib import Path
from typing import Any, Dict

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401 (registers)
from benchmarks import __main__ as entry
from benchmarks.demo import __main__ as demo, data

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


def train_small(
    config: Path, run: Path, label: str, overrides: Dict[str, Any], folder: Path, metric: str
) -> None:
    """In this process, where the demo starts others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALLENNLP_KD_DATA", str(folder))
        small = {"trainer.num_epochs": 1, "trainer.cuda_device": -1, **overrides}
        train_model(Params.from_file(str(config), small), str(run))


@pytest.mark.slow
def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    source = tmp_path / "source.conllu"
    source.write_text(treebank(), encoding="utf-8")
    (tmp_path / "training_configs").symlink_to(ROOT / "training_configs")
    monkeypatch.setattr(data, "treebank_files", lambda: [source])
    monkeypatch.setattr(data, "NUM_TEST", 8)
    monkeypatch.setattr(data, "NUM_DEV", 8)
    monkeypatch.setattr(demo, "ROOT", tmp_path)
    monkeypatch.setattr(demo, "train", train_small)
    served = []
    monkeypatch.setattr(demo, "serve", lambda archives, *_: served.append(archives) or "served")
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert entry.main(["demo"]) == 0
    finally:
        signal.signal(signal.SIGTERM, handler)
    printed = capsys.readouterr().out
    assert "treebank: 8 test, 8 dev, 24 train sentences" in printed
    lines = [line for line in printed.splitlines() if line.startswith(("teacher ", "distilled "))]
    assert len(lines) == 4 and all("%" in line for line in lines)
    assert printed.count("gap recovered: ") == 2 and "served" in printed
    assert {name: path.is_file() for name, path in served[0].items()} == {
        "tagger": True,
        "parser": True,
    }
