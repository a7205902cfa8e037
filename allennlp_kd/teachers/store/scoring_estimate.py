"""Estimates how many sentences are still unscored and the disk space they need."""

import shutil
from pathlib import Path
from typing import Any, Dict, Iterable, NamedTuple

import numpy
from allennlp.common.util import format_size
from torch import Tensor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.store.potential_store import PotentialStore

OVERHEAD = 120  # bytes per sentence in an index


class ScoringEstimate(NamedTuple):
    """The number of unscored sentences and words, and the disk space their scores need."""

    sentences: int
    words: int
    size: int
    free: int

    @classmethod
    def of(
        cls,
        missing: Iterable[Sentence],
        store: PotentialStore,
        form: Any,
        shared: Dict[str, Tensor],
    ) -> "ScoringEstimate":
        """
        # Parameters

        missing : `Iterable[Sentence]`
            What is to be scored.
        store : `PotentialStore`
        form : `StoredChains` or `StoredTrees`
        shared : `Dict[str, Tensor]`
            What all sentences' scores have in common.
        """
        lengths = [len(sentence.words) for sentence in missing]
        numbers = sum(form.size(words, shared) for words in lengths)
        if store.header.get("marginals"):
            numbers *= 2
        size = numbers * numpy.dtype(store.header["dtype"]).itemsize + OVERHEAD * len(lengths)
        return cls(len(lengths), sum(lengths), size, _free(store.path))

    def __str__(self) -> str:
        return (
            f"{self.sentences:,} sentences with {self.words:,} words must be scored; their scores "
            f"need about {format_size(self.size)} on disk, where {format_size(self.free)} are free"
        )


def _free(path: Path) -> int:
    """Returns the free bytes at the place of a folder, which need not exist."""
    path = path.absolute()
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
