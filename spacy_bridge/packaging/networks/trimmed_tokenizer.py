"""Removes word pieces that a given text never uses."""

import json
from typing import Any, Dict, Iterable, List, NamedTuple, Set

import numpy

from spacy_bridge.errors import UnsupportedError

KINDS = ("WordPiece", "Unigram")
"""Tokenizer models in which a piece can be removed without changing others. In byte-pair encoding,
pieces are made of each other.
"""


class TrimmedTokenizer(NamedTuple):
    """A tokenizer with fewer pieces.

    # Parameters

    content : `bytes`
        Its `tokenizer.json`.
    kept : `numpy.ndarray`
        Shape `(pieces,)`, int64: the former numbers of the pieces, in the order of their new ones.
    """

    content: bytes
    kept: numpy.ndarray

    def renumber(self, pieces: Iterable[int]) -> List[int]:
        """Returns the new indices of the remaining pieces."""
        return numpy.searchsorted(self.kept, list(pieces)).tolist()


def trim_tokenizer(
    content: bytes, words: Iterable[str], special: Iterable[int]
) -> TrimmedTokenizer:
    """Keeps the pieces of the words, all single characters, and special pieces.

    Words whose pieces are all kept are split as before. Others are split into the pieces that are left, at
    worst into those of their characters.

    # Parameters

    content : `bytes`
        A `tokenizer.json`.
    words : `Iterable[str]`
        The words of the text.
    special : `Iterable[int]`
        Further pieces to keep.

    # Raises

    UnsupportedError
        If the tokenizer is of another kind than `KINDS`.
    """
    from tokenizers import Tokenizer

    settings = json.loads(content.decode("utf-8"))
    model = settings["model"]
    kind = model.get("type", "WordPiece" if "continuing_subword_prefix" in model else None)
    if kind not in KINDS:
        raise UnsupportedError(
            f"the vocabulary of a tokenizer of type {kind} cannot be trimmed; supported: "
            f"{', '.join(KINDS)}"
        )
    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    kept: Set[int] = set(special)
    kept.update(token["id"] for token in settings.get("added_tokens", []))
    for word in set(words):
        kept.update(tokenizer.encode(word, add_special_tokens=False).ids)
    pieces = _pieces(model)
    prefix = model.get("continuing_subword_prefix") or "\u2581"
    for number, piece in pieces.items():
        if len(piece[len(prefix) :] if piece.startswith(prefix) else piece) <= 1:
            kept.add(number)
    if kind == "WordPiece":
        kept.add(model["vocab"][model["unk_token"]])
    elif model.get("unk_id") is not None:
        kept.add(model["unk_id"])
    order = numpy.array(sorted(kept), numpy.int64)
    numbers = {old: new for new, old in enumerate(order.tolist())}
    # Added tokens may have numbers above those of the model's pieces.
    if kind == "WordPiece":
        model["vocab"] = {pieces[old]: new for old, new in numbers.items() if old in pieces}
    else:
        model["vocab"] = [model["vocab"][old] for old in numbers if old in pieces]
        if model.get("unk_id") is not None:
            model["unk_id"] = numbers[model["unk_id"]]
    for token in settings.get("added_tokens", []):
        token["id"] = numbers[token["id"]]
    settings["post_processor"] = None  # the run-time adds the pieces around a sentence
    settings["truncation"] = settings["padding"] = None
    trimmed = TrimmedTokenizer(json.dumps(settings, ensure_ascii=False).encode("utf-8"), order)
    _check_numbers(trimmed.content, settings.get("added_tokens", []))
    return trimmed


def _pieces(model: Dict[str, Any]) -> Dict[int, str]:
    """Returns the pieces of the tokenizer's model by number."""
    if model.get("type") == "Unigram":
        return dict(enumerate(piece for piece, _ in model["vocab"]))
    return {number: piece for piece, number in model["vocab"].items()}


def _check_numbers(content: bytes, added_tokens: List[Dict[str, Any]]) -> None:
    """Refuses a tokenizer that gives added tokens other numbers than its file, because they had gaps."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    for token in added_tokens:
        found = tokenizer.token_to_id(token["content"])
        if found != token["id"]:
            raise UnsupportedError(
                f"the vocabulary of a tokenizer with the added token {token['content']!r} cannot "
                f"be trimmed: its number would be {found} instead of {token['id']}"
            )
