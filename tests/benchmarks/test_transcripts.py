import json
import os

import pytest

from benchmarks import __main__ as entry, transcripts as benchmark
from tools.documentation.transcripts import PARTS, transcript_times, transcripts

LINES = [
    (0.1, "[1/4] score ..."),
    (0.2, "[1/4] score: every sentence has its scores (1,234 s)"),
    (0.3, "[2/4] train: trained, f1 on the dev set 0.5 (7 s)"),
    (0.4, "[3/4] compare: f1: teacher 0.9, student 0.5; the report is x (2 s)"),
    (0.5, '[4/4] package: nlp = spacy.load("x") (3 s)'),
]
COMMANDS = [
    {"name": "kd-init", "command": ["allennlp", "kd-init", "a b"], "seconds": 5.4, "lines": []},
    {"name": "kd-distill", "command": ["allennlp"], "seconds": 1300.0, "lines": LINES},
    {"name": "spacy.load", "command": ["python", "-c", "x"], "seconds": 9.0, "lines": []},
]
RECORDED = {
    "notes": {"transcripts": [{"teacher": "one", "commands": COMMANDS, "configuration": "{\n}\n"}]}
}


def test_times_of_parts():
    table = transcript_times(RECORDED)
    times = ["5 s", "1,234 s", "7 s", "2 s", "3 s", "9 s"]
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table.splitlines()]
    assert rows[0] == ["part", "one"] and rows[2:] == [list(row) for row in zip(PARTS, times)]


def test_a_transcript_shows_commands_lines_and_the_configuration():
    text = transcripts(RECORDED)
    assert text.startswith(
        "### one\n\n```text\n$ allennlp kd-init 'a b'\n\n$ allennlp\n[1/4] score ..."
    )
    assert text.endswith("```text\n{\n}\n```")


def test_lines_are_timed_and_failures_are_raised(tmp_path):
    seconds, lines = benchmark.timed(["python", "-c", "print('a'); print('b')"], tmp_path)
    assert [line for _, line in lines] == ["a", "b"]
    assert 0 <= lines[0][0] <= lines[1][0] <= seconds + 0.1
    with pytest.raises(RuntimeError, match="(?s)failed: .*ZeroDivisionError"):
        benchmark.timed(["python", "-c", "1 / 0"], tmp_path)


def test_without_data_it_is_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ALLENNLP_KD_DATA", raising=False)
    assert entry.main(["transcripts", "--quick", "--output", str(tmp_path / "out.json")]) == 0
    assert "skipped: no data (ALLENNLP_KD_DATA" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.data
def test_an_archive_to_its_end(tmp_path, monkeypatch):
    needed = ("ALLENNLP_KD_DATA", "ALLENNLP_KD_TEACHERS", "ALLENNLP_KD_TRANSFORMER")
    missing = [name for name in needed if not os.environ.get(name)]
    if missing:
        pytest.skip(f"{', '.join(missing)} must be set")
    monkeypatch.setattr(benchmark, "CASES", benchmark.CASES[:1])
    output = tmp_path / "out.json"
    assert entry.main(["transcripts", "--quick", "--output", str(output)]) == 0
    (found,) = json.loads(output.read_text())["notes"]["transcripts"]
    assert [each["name"] for each in found["commands"]] == ["kd-init", "kd-distill", "spacy.load"]
