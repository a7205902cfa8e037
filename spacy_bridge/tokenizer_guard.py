"""Checks a `tokenizer.json` before the tokenizers library opens it.

A tokenizer is a program of small steps: one that replaces each letter by two, forty times, or pads to a
fixed length, turns a word into more memory than there is, and some regular expressions never end. What
real tokenizers have passes.
"""

import json
from typing import Any, Dict, Iterator, List, Tuple

LARGEST = 64 << 20
_DEEPEST = 32
_LONGEST = 1_000_000  # the maximum of padding and truncation
_LONGEST_WORD = 10_000
_MOST_ADDED = 20_000
_LARGEST_TABLE = 4 << 20  # the maximum number of characters in a precompiled normalizer
_GROWTH = 16
"""The factor by which all replacements together may lengthen a text."""

_PATTERNS = (" {2,}", r"\s+", r"\s", " ", "\n", r"[\r\n]", r"[^\r\n]")
"""The regular expressions of known tokenizers, all of which take linear time."""


class TokenizerError(ValueError):
    """A tokenizer is refused; the message gives the reason."""


def check_tokenizer(content: bytes, where: str) -> None:
    """
    # Raises

    TokenizerError
        If this is not JSON, or a tokenizer that could take more than linear time or memory.
    """
    if len(content) > LARGEST:
        raise TokenizerError(
            f"{where} is {len(content):,} bytes long; at most {LARGEST:,} are allowed"
        )
    try:
        tokenizer = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{where} is not JSON: {error}") from error
    if not isinstance(tokenizer, dict):
        raise TokenizerError(f"{where} must contain an object, found {type(tokenizer).__name__}")
    for part in ("truncation", "padding"):
        for key, value in _entries(tokenizer.get(part), part, where):
            if isinstance(value, int) and value > _LONGEST:
                raise TokenizerError(
                    f"{where} has {key} = {value:,}; at most {_LONGEST:,} is allowed"
                )
    added = tokenizer.get("added_tokens")
    if isinstance(added, list) and len(added) > _MOST_ADDED:
        raise TokenizerError(
            f"{where} adds {len(added):,} tokens; at most {_MOST_ADDED:,} are allowed"
        )
    model = tokenizer.get("model")
    longest = model.get("max_input_chars_per_word") if isinstance(model, dict) else None
    if isinstance(longest, int) and longest > _LONGEST_WORD:
        raise TokenizerError(
            f"{where} splits words of {longest:,} characters; at most {_LONGEST_WORD:,} are allowed"
        )
    _check_steps(tokenizer, where)


def _check_steps(tokenizer: Dict[str, Any], where: str) -> None:
    growth = 1.0
    for part in ("normalizer", "pre_tokenizer", "post_processor", "decoder"):
        for key, value in _entries(tokenizer.get(part), part, where):
            name = key.rsplit(".", 1)[-1]
            if name == "Regex" and value not in _PATTERNS:
                raise TokenizerError(
                    f"{where} has the regular expression {str(value)[:80]!r} in {key}, which no "
                    "known tokenizer has"
                )
            if name == "precompiled_charsmap" and len(value or "") > _LARGEST_TABLE:
                raise TokenizerError(f"{where} has a table of {len(value):,} characters in {key}")
            if part == "normalizer" and isinstance(value, dict):
                growth *= _growth(value)
            if part == "post_processor" and isinstance(value, list) and len(value) > 100:
                raise TokenizerError(f"{where} has {len(value):,} entries in {key}")
    if growth > _GROWTH:
        raise TokenizerError(
            f"{where} has replacements that make a text {growth:,.0f} times longer; at most "
            f"{_GROWTH} times is allowed"
        )


def _growth(step: Dict[str, Any]) -> float:
    if step.get("type") == "Prepend":
        return 1.0 + len(str(step.get("prepend", ""))) / 8
    if step.get("type") != "Replace":
        return 1.0
    pattern = step.get("pattern")
    old = pattern.get("String", " ") if isinstance(pattern, dict) else " "
    return max(1.0, len(str(step.get("content", ""))) / max(1, len(str(old))))


def _entries(value: Any, place: str, where: str) -> Iterator[Tuple[str, Any]]:
    """Yields a part with its place, and recursively each of its entries."""
    waiting: List[Tuple[str, Any, int]] = [(place, value, 0)]
    while waiting:
        place, value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise TokenizerError(f"{where} is nested more than {_DEEPEST} levels deep in {place}")
        yield place, value
        if isinstance(value, dict):
            waiting += [(f"{place}.{key}", part, depth + 1) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}.{number}", part, depth + 1) for number, part in enumerate(value)]
