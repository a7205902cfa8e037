"""Sentences that follow a rule and a die, for taggers and parsers."""

import random
from pathlib import Path
from typing import Iterator, List, Tuple

NAMES = [f"name{number}" for number in range(12)]
WORDS = [f"word{number}" for number in range(24)]
SIZES = {"train": 48, "dev": 16}


def write_corpora(folder: Path, seed: int = 13) -> None:
    """`train.txt`, `dev.txt` (words with chunk tags) and `train.conllu`, `dev.conllu` (trees)."""
    generator = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for part, size in SIZES.items():
        sentences = [_sentence(generator) for _ in range(size)]
        tagged = ["\t".join(f"{word}###{tag}" for word, tag in rows) for rows in sentences]
        (folder / f"{part}.txt").write_text("\n".join(tagged) + "\n", encoding="utf-8")
        trees = ["\n".join(_tree([word for word, _ in rows], generator)) for rows in sentences]
        (folder / f"{part}.conllu").write_text("\n\n".join(trees) + "\n\n", encoding="utf-8")


def _sentence(generator: random.Random) -> List[Tuple[str, str]]:
    """Names are chunks; one tag in eight is wrong, so that training is soon at its best."""
    rows: List[Tuple[str, str]] = []
    for _ in range(generator.randint(1, 5)):
        rows.append((generator.choice(WORDS), "O"))
        if generator.random() < 0.6:
            kind = generator.choice("AB")
            rows.append((generator.choice(NAMES), f"B-{kind}"))
            for _ in range(generator.randint(0, 2)):
                rows.append((generator.choice(NAMES), f"I-{kind}"))
    return [(word, tag if generator.random() > 0.125 else "O") for word, tag in rows]


def _tree(words: List[str], generator: random.Random) -> Iterator[str]:
    for place, word in enumerate(words, start=1):
        head = generator.randrange(max(place - 2, 1), place) if place > 1 else 0
        label = "root" if head == 0 else generator.choice(["near", "far"])
        yield f"{place}\t{word}\t_\tX\tX\t_\t{head}\t{label}\t_\t_"
