"""What of the documentation is generated is what its sources make."""

import argparse
import json
import re
from pathlib import Path
from typing import List

import pytest

from tests.docs.blocks import PAGES, ROOT, name_of
from tools.documentation import __main__ as command
from tools.documentation.docstrings import as_numpydoc, by_name, description
from tools.documentation.marked import filled
from tools.documentation.result_tables import TABLES

DOCSTRING = """What it is.

    More of it.

    # Parameters

    one, other : `int`
        Two
        numbers.
    fourth, fifth
        Of no type.
    third : `Dict[str, int]`, optional (default = `{}`)

    # Raises

    ValueError
        If not.
    """


def test_files_are_up_to_date(capsys: pytest.CaptureFixture) -> None:
    assert command.main(["--check"]) == 0, (
        f"{capsys.readouterr().err}: run `python -m tools.documentation`"
    )


def test_check_tells_of_a_stale_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(command, "ROOT", tmp_path)
    path = tmp_path / "page.md"
    path.write_text("old")
    monkeypatch.setattr(command, "generated", lambda: {path: "new"})
    assert command.main(["--check"]) == 1 and path.read_text() == "old"
    assert "page.md is not what" in capsys.readouterr().err
    assert command.main([]) == 0 and path.read_text() == "new"
    assert command.main(["--check"]) == 0


def test_tables_come_from_the_results() -> None:
    record = json.loads((ROOT / "benchmarks" / "results" / "demo.json").read_text())
    assert f"{100 * record['mean']['distilled']:.2f}" in TABLES["demo"]()
    assert "named entities" in TABLES["methods"]() and "±" in TABLES["methods"]()
    shares = [
        row.split("|")[-2].split()[0]
        for row in TABLES["methods"]().splitlines()
        if row.split("|")[3].strip() == "10 %" and row.split("|")[-2].split()[-1] == "%"
    ]
    assert f"of {len(shares)} |" in TABLES["goals"]()
    assert f": {max(map(int, shares))} % |" in TABLES["goals"]()
    targets = json.loads((ROOT / "benchmarks" / "results" / "decoding.json").read_text())["targets"]
    table = TABLES["decoding"]()
    assert table.count("**no**") == sum(not target["met"] for target in targets)
    assert table.count("| yes |") + table.count("yes |") >= 1


def test_markers() -> None:
    text = "a\n<!-- table t -->\nold\n<!-- end of table -->\nb\n"
    new = filled(text, {"t": "| x |"}, "page")
    assert new == "a\n<!-- table t -->\n\n| x |\n\n<!-- end of table -->\nb\n"
    assert filled(new, {"t": "| x |"}, "page") == new
    with pytest.raises(ValueError, match="page: expected one of the tables u, found t"):
        filled(text, {"u": ""}, "page")
    for wrong in ("nothing", text + "<!-- table t -->\n"):
        with pytest.raises(ValueError, match="expected tables between markers, found [01] whole"):
            filled(wrong, {"t": ""}, "page")


def test_docstrings() -> None:
    assert description(DOCSTRING) == "What it is.\n\nMore of it."
    entries = by_name(DOCSTRING)
    assert entries["one"] is entries["other"] and entries["one"].text == "Two numbers."
    assert entries["fourth"] is entries["fifth"] and entries["fifth"].text == "Of no type."
    assert entries["fifth"].kind == ""
    assert (entries["third"].kind, entries["third"].default) == ("Dict[str, int]", "{}")
    assert description(None) == "" and by_name(None) == {}
    found = as_numpydoc(DOCSTRING)
    assert "Parameters\n----------\n" in found and "Raises\n------\n" in found
    assert "\nthird : Dict[str, int], default: {}\n" in found


def test_where_none_is_the_default_the_docstring_says_what_it_stands_for() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for row in (
        "`window` | `int` | 2 |",
        "`huber` | `float` | `null` |",
        "`scale` | `float` | `1.0` |",
    ):
        assert f"| {row}" in page, row


def test_each_parameter_of_the_reference_is_described() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `.*\|\s*\|$", page, re.MULTILINE) == []


def test_each_option_of_a_command_is_on_its_page_and_described() -> None:
    from spacy_bridge.__main__ import make_parser
    from tools.documentation.commands import KD_COMMANDS, _subparsers

    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert all(f"## `allennlp {name}`" in page for name in KD_COMMANDS)
    assert re.findall(r"^\| `.*\|\s*\|$", page, re.MULTILINE) == []
    for parser in _subparsers(make_parser()):
        section = page.split(f"## `{parser.prog}`")[1].split("\n## ")[0]
        for action in parser._actions[1:]:
            assert all(option in section for option in action.option_strings), action


def test_a_parser_is_taken_from_a_command() -> None:
    from tools.documentation.commands import parser_of

    def command(arguments: List[str]) -> None:
        parser = argparse.ArgumentParser(prog="mine")
        parser.add_argument("--more")
        parser.parse_args(arguments)
        raise AssertionError("nothing after that is run")

    assert parser_of(command).prog == "mine"
    with pytest.raises(ValueError, match="parses no arguments"):
        parser_of(len)


def test_a_command_that_the_page_does_not_know_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.documentation import commands

    monkeypatch.setattr(commands, "KD_COMMANDS", ("kd-init",))
    with pytest.raises(ValueError, match=r"expected the commands \['kd-init'\], found \['kd-comp"):
        commands.commands_page()


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


def test_each_objective_is_on_its_page() -> None:
    from allennlp_kd.objectives.objective import Objective
    from tools.documentation.configuration import registered

    page = (ROOT / "docs" / "objectives.md").read_text(encoding="utf-8")
    for name, _ in registered(Objective):
        assert f"## `{name}`" in page and f'type: "{name}"' in page, name


def test_the_figure_is_whole_and_fetches_nothing() -> None:
    from xml.etree import ElementTree

    text = (ROOT / "docs" / "matching.svg").read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "prefers-color-scheme: dark" in text and "<script" not in text
    assert set(re.findall(r"https?://[^\s\"]+", text)) == {"http://www.w3.org/2000/svg"}


def test_links_of_the_readme_lead_somewhere() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for link, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", text):
            if not link.startswith("https://"):
                target = page.parent / link if link else page
                assert target.exists(), f"{name_of(page)}: {link}"
                assert not anchor or anchor in _anchors(target), f"{name_of(page)}: {link}#{anchor}"


def _anchors(page: Path) -> List[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    words = (re.sub(r"[^\w\s-]", "", heading).strip().lower() for heading in headings)
    return [re.sub(r"[\s-]+", "-", word) for word in words]
