"""Each message of the troubleshooting page is one that the code can print."""

import re
from typing import List

import pytest

from tests.docs.blocks import ROOT
from tests.docs.messages import VALUE, all_templates, can_be_printed, templates_of

PAGE = ROOT / "docs" / "troubleshooting.md"
# Messages of AllenNLP, jsonnet, NLTK, PyTorch, Python and spaCy.
OTHERS = {
    "invalid choice: 'kd-init'",
    "undefined external variable: ALLENNLP_KD_DATA",
    "Unexpected key(s) in state_dict: ... position_ids",
    "[nltk_data] Error loading punkt",
    "got an unexpected keyword argument 'teacher'",
    "Can't find factory for 'kd_tagger'",
}
COMMANDS = {"evaluate", "predict", "allennlp evaluate"}


def rows() -> List[List[str]]:
    """The cells of the rows of all tables."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [cells for cells in found if cells[0] not in ("message", "---")]


def messages() -> List[str]:
    return [
        message
        for cells in rows()
        for message in re.findall(r"`([^`]+)`", cells[0])
        if message not in COMMANDS
    ]


def test_each_message_can_be_printed() -> None:
    templates, found = all_templates(), messages()
    assert len(found) > 25 and OTHERS <= set(found)
    assert [
        each for each in found if each not in OTHERS and not can_be_printed(each, templates)
    ] == []


def test_each_row_has_a_message_a_cause_and_an_action() -> None:
    assert [cells for cells in rows() if len(cells) != 3 or not all(cells)] == []


@pytest.mark.parametrize(
    "message, printed",
    [
        ("the store at ... is of another teacher", True),
        ("is of another teacher ...", True),
        ("another teacher ... the store at", False),
        ("the store is of another", False),
        ("What it says.", False),
    ],
)
def test_messages_are_compared_with_the_code(message: str, printed: bool) -> None:
    source = '''
def refuse(path, kind):
    """What it says."""
    raise ValueError(f"the store at {path} is of another " "teacher")
'''
    templates = list(templates_of(source))
    assert f"the store at {VALUE} is of another teacher" in templates
    assert can_be_printed(message, templates) == printed
