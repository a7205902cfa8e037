"""Warns if gold tags do not follow the tagger's label encoding."""

import logging
from typing import Optional, Sequence

import torch
from torch import Tensor

from allennlp_kd.structs.chain.constraints import constraints_for

logger = logging.getLogger(__name__)


class GoldEncoding:
    """Checks the first gold tags for transitions that the `label_encoding` forbids, and warns once.

    Tags in IOB1 read as BIO train without an error, and score a few points of F1: decoding may not
    say what the gold says.

    # Parameters

    encoding : `str`
        The tagger's `label_encoding`.
    labels : `Sequence[str]`
        In the order of their indices.
    """

    SENTENCES = 1000  # batches to check, because checking synchronizes with the device

    def __init__(self, encoding: str, labels: Sequence[str]) -> None:
        self._encoding, self._labels = encoding, list(labels)
        constraints = constraints_for(encoding, self._labels)
        # Rows: the previous tag (the last row: none, at the start of a sentence). Columns: the tag.
        # Shape: (tags + 1, tags)
        self._forbidden = ~torch.cat([constraints.transitions, constraints.start.unsqueeze(0)])
        self._left = self.SENTENCES

    def check(self, tags: Tensor, mask: Tensor) -> None:
        """
        # Parameters

        tags, mask : `Tensor`
            Shape `(batch, words)`.
        """
        if self._left <= 0:
            return
        self._left -= len(tags)
        tags = tags.detach().cpu()
        start = torch.full((len(tags), 1), len(self._labels))
        before = torch.cat([start, tags[:, :-1]], dim=1)
        wrong = (self._forbidden[before, tags] & mask.cpu()).nonzero()
        if len(wrong):
            self._left = 0
            row, place = wrong[0].tolist()
            previous = self._labels[int(before[row, place])] if place else None
            self._warn(self._labels[int(tags[row, place])], previous)

    def _warn(self, tag: str, previous: Optional[str]) -> None:
        where = "at the start of a sentence" if previous is None else f"after '{previous}'"
        logger.warning(
            "label_encoding is '%s', but the gold tags have '%s' %s, which %s does not allow. If "
            "that is common, span F1 is wrong and decoding cannot produce the gold tags: set "
            "label_encoding to the tags' encoding, or let the dataset reader convert them "
            "(convert_to_coding_scheme). Tags with 'I-' at the start of a span are IOB1.",
            self._encoding,
            tag,
            where,
            self._encoding,
        )
