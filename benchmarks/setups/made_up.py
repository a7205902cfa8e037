"""Sentences of made-up words, as many and as long as one likes."""

import random
from pathlib import Path
from typing import List

WORDS = 2000


def sentences(seed: int, count: int, length: int) -> List[List[str]]:
    """Words that know nothing of each other."""
    generator = random.Random(seed)
    return [[f"w{generator.randrange(WORDS)}" for _ in range(length)] for _ in range(count)]


def write_treebank(
    path: Path, seed: int, count: int, length: int, tags: int, repeat: int = 1
) -> None:
    """A CoNLL-U file, with the tags in the column of the language's own; all of it `repeat` times."""
    rows = []
    for number, words in enumerate(sentences(seed, count, length)):
        for place, word in enumerate(words, start=1):
            tag = (number * length + place) % tags
            rows.append(f"{place}\t{word}\t_\tX\tT{tag}\t_\t0\troot\t_\t_\n")
        rows.append("\n")
    block = "".join(rows)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(repeat):
            file.write(block)
