"""The profile of packaged students."""

import json
import os

import pytest

from benchmarks import __main__ as entry


@pytest.fixture
def data(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "ud_english_ewt"
    folder.mkdir(parents=True)
    words = ["the", "cat", "sleeps", "."]
    rows = "".join(
        f"{place}\t{word}\t_\tX{place}\tX\t_\t{place - 1}\t{'dep' if place > 1 else 'root'}\t_\t_\n"
        for place, word in enumerate(words, start=1)
    )
    (folder / "dev.conllu").write_text((rows + "\n") * 8, encoding="utf-8")
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("ALLENNLP_KD_STUDENTS", raising=False)


@pytest.mark.slow
def test_stages_and_operators_add_up(data, tmp_path):
    output = tmp_path / "out.json"
    assert entry.main(["profile", "--quick", "--output", str(output)]) == 0
    found = json.loads(output.read_text())
    assert found["notes"]["words"] == 32
    for form in ("float", "int8"):
        times = found["medians"][f"us/word, {form}"]
        for kind in ("tagger", "parser"):
            parts = [us for name, us in times.items() if name.startswith(f"{kind}, small: ")]
            assert len(parts) >= 5 and min(parts) >= 0 and max(parts) > 0
            operators = found["notes"][f"us/word by operator, {kind}, small, {form}"]
            assert list(operators.values()) == sorted(operators.values(), reverse=True)
            assert ("DynamicQuantizeMatMul" in operators) == (form == "int8")
    assert not [name for name in os.listdir(".") if name.startswith("profile-")]


def test_without_data(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ALLENNLP_KD_DATA", raising=False)
    assert entry.main(["profile", "--quick", "--output", str(tmp_path / "out.json")]) == 0
    assert "skipped: no data" in capsys.readouterr().out
