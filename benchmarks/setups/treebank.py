"""The treebank that the benchmarks run on."""

import os
import random
from pathlib import Path
from typing import List

from benchmarks.command import NoData

BATCH_SIZE = 32


def treebank(split: str = "train") -> Path:
    """The CoNLL-U file of a split of EWT.

    # Raises

    NoData
        If `$ALLENNLP_KD_DATA` is not set, or holds no such file.
    """
    root = os.environ.get("ALLENNLP_KD_DATA")
    if not root:
        raise NoData("set ALLENNLP_KD_DATA to the folder that holds ud_english_ewt")
    path = Path(root) / "ud_english_ewt" / f"{split}.conllu"
    if not path.is_file():
        raise NoData(f"{path} does not exist")
    return path


def sentence_lengths(split: str = "train") -> List[int]:
    """The number of words of each sentence, in the order of the file."""
    lengths = [0]
    with open(treebank(split), encoding="utf-8") as lines:
        for line in lines:
            if line.split("\t", 1)[0].isdigit():
                lengths[-1] += 1
            elif not line.strip() and lengths[-1]:
                lengths.append(0)
    return [length for length in lengths if length]


def typical_batches(
    count: int, seed: int, bucketed: bool = False, batch_size: int = BATCH_SIZE
) -> List[List[int]]:
    """The lengths of the sentences of `count` batches.

    # Parameters

    count, seed, batch_size : `int`
    bucketed : `bool`, optional (default = `False`)
        Sentences in order of length, cut into batches, of which some at even distances are taken;
        else in a random order.
    """
    lengths = sentence_lengths()
    random.Random(seed).shuffle(lengths)
    if bucketed:
        lengths.sort(reverse=True)
    batches = [lengths[at : at + batch_size] for at in range(0, len(lengths), batch_size)]
    return spaced(batches, count)


def spaced(items: list, count: int) -> list:
    """`count` of these items in the middle of as many equal parts of the list."""
    count = min(count, len(items))
    return [items[(2 * part + 1) * len(items) // (2 * count)] for part in range(count)]
