"""Deterministic sampling and interleaving of sentences."""

import hashlib
import heapq
from typing import Iterable, Iterator, List, Sequence, TypeVar

from allennlp_kd.fields.sentence import Sentence

Item = TypeVar("Item")


def hash_fraction(sentence: Sentence, seed: str = "") -> float:
    """Returns a number in [0, 1) that depends only on a sentence and a seed."""
    content = (seed + sentence.key).encode()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big") / 2**64


def sample(sentences: Iterable[Sentence], number: int, seed: int) -> List[Sentence]:
    """Draws a sample of the sentences, in their original order.

    Which ones depends on their words and the seed, and not on that order; a larger number has all
    of a smaller one.
    """
    keyed = ((hash_fraction(each, f"{seed} "), rank, each) for rank, each in enumerate(sentences))
    return [each for _, _, each in sorted(heapq.nsmallest(number, keyed), key=lambda t: t[1])]


def interleave(*parts: Sequence[Item]) -> Iterator[Item]:
    """Interleaves the parts: each keeps its order and is spread evenly over the whole."""

    def spread(part: Sequence[Item], number: int) -> Iterator[tuple]:
        for rank, item in enumerate(part):
            yield (rank + 0.5) / len(part), number, item

    streams = [spread(part, number) for number, part in enumerate(parts)]
    for _, _, item in heapq.merge(*streams, key=lambda entry: entry[:2]):
        yield item
