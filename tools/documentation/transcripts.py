"""The transcripts that `python -m benchmarks transcripts` has recorded."""

import re
import shlex
from typing import Any, Dict, Iterator, List

from benchmarks.table import format_table

PARTS = ("kd-init", "score", "train", "compare", "package", "spacy.load")


def transcript_times(recorded: Dict[str, Any]) -> str:
    """Seconds by part and teacher."""
    transcripts = recorded["notes"]["transcripts"]
    found = [_seconds(each["commands"]) for each in transcripts]
    rows = [[part, *(f"{each[part]:,.0f} s" for each in found)] for part in PARTS]
    return format_table(["part", *(each["teacher"] for each in transcripts)], rows)


def _seconds(commands: List[Dict[str, Any]]) -> Dict[str, float]:
    found = {each["name"]: each["seconds"] for each in commands}
    for command in commands:
        for _, line in command["lines"]:
            part = re.match(r"\[\d/\d\] (\w+): .*\(([\d,]+) s\)$", line)
            if part is not None:
                found[part[1]] = float(part[2].replace(",", ""))
    return found


def transcripts(recorded: Dict[str, Any]) -> str:
    """What was typed and printed for each teacher, and the configuration that was written."""
    return "\n\n".join(
        part for each in recorded["notes"]["transcripts"] for part in _transcript(each)
    )


def _transcript(found: Dict[str, Any]) -> Iterator[str]:
    yield f"### {found['teacher']}"
    lines = []
    for command in found["commands"]:
        lines += [
            "$ " + shlex.join(command["command"]),
            *(line for _, line in command["lines"]),
            "",
        ]
    yield _block(lines[:-1])
    yield "The configuration that `kd-init` wrote:"
    yield _block(found["configuration"].rstrip("\n").split("\n"))


def _block(lines: List[str]) -> str:
    return "\n".join(["```text", *lines, "```"])
