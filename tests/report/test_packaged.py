"""Size and speed of students as they are packaged, beside those under torch."""

import json

import torch

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.report.numbers.packaged import packaged
from allennlp_kd.report.page.cards import cards
from allennlp_kd.report.page.tables import cost
from tests.models.conftest import teacher_run  # noqa: F401
from tests.report.small import report

SENTENCES = [Sentence(("the", "cat", "sleeps"))] * 70


def test_packages_in_32_and_8_bits(teacher_run):  # noqa: F811
    archive = str(teacher_run / "run" / "model.tar.gz")
    found = packaged(archive, SENTENCES, tagged=False)
    assert set(found) == {"float", "int8"}
    for each in found.values():
        assert each["bytes"] > 1000 and each["words_per_second"] > 0
    # So small a student gains nothing from 8 bits, but its files differ.
    assert found["int8"]["bytes"] != found["float"]["bytes"]


def test_says_why_a_student_is_not_packaged(tmp_path):
    config = {"model": {"type": "of_another_kind"}, "dataset_reader": {"type": "sequence_tagging"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "vocabulary").mkdir()
    torch.save({}, tmp_path / "weights.th")
    assert "of_another_kind" in packaged(str(tmp_path), SENTENCES, tagged=False)["reason"]


def test_the_page_shows_both(monkeypatch):
    found = report(monkeypatch, "chain", students=("good", "plain"))
    rows = {row[0]: row[4:] for row in cost(found).rows}
    assert rows["good"] == ["2.0 MB", "20,000", "700.0 kB", "41,000"]
    assert rows["teacher"] == rows["plain"] == [""] * 4
    shown = {card.title: dict(card.rows) for card in cards(found)}
    assert shown["good (student)"]["packaged, int8"] == "41,000 words/s, 700.0 kB"
    assert not any("packaged, int8" in rows for name, rows in shown.items() if "good" not in name)
