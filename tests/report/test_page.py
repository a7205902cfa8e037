import json
import re
from html.parser import HTMLParser
from io import BytesIO

import pytest
from PIL import Image

from allennlp_kd.report.numbers.comparison import FORMAT
from allennlp_kd.report.write_report import write
from tests.report.small import SCRIPT, SPANS, report

VOID = {"meta"}
PARTS = ("the <b>", "../inner/one")  # of a sum


class Checked(HTMLParser):
    """Collects what a page loads, its ids, and whether its tags close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.ids, self.styles = [], [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.links.append(value)
            if name == "id":
                self.ids.append(value)
            if name == "style":
                self.styles.append(value)
            assert not name.startswith("on"), f"{name} runs a script"

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture(params=["spans", "tags", "trees"])
def written(request, monkeypatch, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for epoch in range(2):
        metrics = {"training_gold_loss": 1.0, "training_distillation_loss": 2.0 - epoch}
        metrics.update(training_alpha=0.5, training_temperature=1.0)
        for name in PARTS:
            metrics[f"training_distillation_loss/{name}"] = 3.0 - epoch
        metrics[f"validation_distillation_loss/{PARTS[0]}"] = 3.5
        metrics["validation_agreement/f"] = 0.1
        (run / f"metrics_epoch_{epoch}.json").write_text(json.dumps(metrics))
    (run / "config.json").write_text('{"trainer": {"validation_metric": "+agreement/f"}}')
    structure = "tree" if request.param == "trees" else "chain"
    encoding = "BIO" if request.param == "spans" else None
    found = report(monkeypatch, structure, encoding, runs={"good": run})
    folder = tmp_path / "report"
    write(found, folder)
    return folder, found, request.param


def test_the_page_needs_nothing_else(written):
    folder, _, kind = written
    text = (folder / "index.html").read_text(encoding="utf-8")
    page = Checked(text)
    assert page.open == []
    assert "script" not in page.tags and "link" not in page.tags and "iframe" not in page.tags
    assert page.links and all(link.startswith("#") for link in page.links)
    assert all(link[1:] in page.ids for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"url\((?!#)|@import|@font-face", text)
    assert all(re.fullmatch(r"url\(#[\w.-]+\)", url) for url in re.findall(r"url\([^)]*\)", text))
    assert "default-src &#39;none&#39;" in text and 'name="viewport"' in text
    # Words and labels are shown as they are.
    assert "&lt;script&gt;alert(1)" in text and SCRIPT not in text
    assert "R&amp;D" in text and "R&D" not in text
    assert "<a>" not in text and "<A>" not in text and "http://a.b/c" in text
    if kind == "trees":
        assert text.count('displacy-arc"') == 2 * sum(
            len(each["words"]) - 1
            for model in written[1]["models"][1:]
            for each in model["differences"]
        )
        # What displaCy repeats is in the stylesheet.
        assert "currentColor" not in "".join(re.findall(r"<(?:tspan|textPath)[^>]*>", text))
    else:
        marks = re.findall(r'<mark class="entity" style="([^"]*)">[^<]*<span>', text)
        assert len(marks) == text.count("<mark ") > 0
        assert all(re.fullmatch(r"background: #\w+", style) for style in marks)


def test_files(written):
    folder, found, kind = written
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == found
    names = {path.stem for path in (folder / "plots").iterdir()}
    expected = {"labels", "deviation-1", "deviation-2", "calibration", "speed"}
    expected |= {"curve-validation-agreement-f"}
    expected |= {"curve-distillation_loss-1", "curve-distillation_loss-2"}
    expected |= {"curve-gold_loss", "curve-distillation_loss", "curve-alpha", "curve-temperature"}
    assert names == expected | ({"distances"} if kind == "trees" else set())
    for name in names:
        assert (folder / "plots" / f"{name}.svg").read_text(encoding="utf-8").startswith("<?xml")
        picture = Image.open(BytesIO((folder / "plots" / f"{name}.png").read_bytes()))
        assert picture.format == "PNG" and picture.width > 300
    # The same plots each time, and none of another report.
    for stale in ("deviation-3.svg", "deviation-3.png", "curve-x.svg", "mine.svg"):
        (folder / "plots" / stale).touch()
    before = (folder / "plots" / "labels.svg").read_bytes()
    write(found, folder)
    assert (folder / "plots" / "labels.svg").read_bytes() == before
    assert {path.stem for path in (folder / "plots").iterdir()} == {*names, "mine"}
    assert len(list((folder / "plots").iterdir())) == 2 * len(names) + 1


def test_the_numbers_keep_their_names(written):
    _, found, kind = written
    assert found["format"] == FORMAT == 1
    assert list(found) == [
        "format", "made", "data", "structure", "encoding", "metric", "plain", "models",
    ]  # fmt: skip
    assert list(found["made"]) == [
        "at", "versions", "python", "machine", "cores", "threads", "device", "batch_size",
    ]  # fmt: skip
    assert found["data"] == {"file": "data.txt", "sentences": 2, "words": 6, "unlabelled": 3}
    common = {
        "name", "archive", "bytes", "parameters", "words_per_second", "scores", "by_label",
        "calibration", "curves", "role",
    }  # fmt: skip
    common |= {"by_distance"} if kind == "trees" else set()
    teacher, *students = found["models"]
    assert set(teacher) == common and teacher["role"] == "teacher"
    for student in students:
        assert set(student) == common | {"agreement", "differences", "gap", "packaged"}
        assert set(student["agreement"]) == {
            "only_teacher", "only_student", "left_out", "scores", "by_label", "confusion",
        }  # fmt: skip
        assert set(student["gap"]) == {"recovered", "points", "reason"}
    assert found["metric"] == {"spans": "f1", "tags": "accuracy", "trees": "LAS"}[kind]


def test_each_part_of_the_distillation_loss_has_a_plot(written):
    folder, found, _ = written
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert "Distillation loss: the &lt;b&gt;" in text and "Distillation loss: ../inner/one" in text
    dashed = [
        "good, dev" in (folder / "plots" / f"curve-distillation_loss-{number}.svg").read_text()
        for number in (1, 2)
    ]
    assert dashed == [True, False]
    series = found["models"][-1]["curves"]["series"]
    assert series["training_distillation_loss/../inner/one"] == [3.0, 2.0]


@pytest.mark.parametrize(
    "tags, gold", [(["O O O", "O O O"], ["O O O", "O O O"]), (["B-Q O B-Q"] * 2, ["O O O"] * 2)]
)
def test_without_spans_there_is_no_plot_of_them(tags, gold, monkeypatch, tmp_path, recwarn):
    """And none of deviations where there are none to compare."""
    for side in ("teacher", "plain", "good"):
        monkeypatch.setitem(SPANS, side, tags)
    monkeypatch.setitem(SPANS, "gold", gold)
    found = report(monkeypatch, "chain")
    for student in found["models"][1:]:
        student["agreement"]["confusion"] = []
    write(found, tmp_path)
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == {"calibration", "speed"}
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert Checked(text).open == [] and "no gap: the teacher is not better" in text
    assert not [each for each in recwarn if "identical low and high" in str(each.message)]


def test_without_runs_there_is_no_training(monkeypatch, tmp_path):
    write(report(monkeypatch, "chain", plain=None, students=("good",)), tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="training"' not in text and "no plain student was named" in text
