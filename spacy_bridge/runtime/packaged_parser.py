"""A packaged dependency parser."""

from typing import List, Mapping, NamedTuple

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.decoding.arc_scores import ArcScores
from spacy_bridge.runtime.decoding.tree_decoding import DECODERS, decode
from spacy_bridge.runtime.networks.layout import Layout
from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.packaged_student import PackagedStudent

LABEL_NETWORK = "labels.onnx"


class ParsedSentence(NamedTuple):
    """`heads`: the head of each word, counted from 1, 0 for ROOT. `labels`: the label of the arc to
    it.
    """

    heads: List[int]
    labels: List[str]


class PackagedParser(PackagedStudent):
    """A `biaffine_parser` or `biaffine_parser_student`: returns a tree for each sentence."""

    kind = "parser"
    max_cells = 2048

    def __init__(self, files: Mapping[str, bytes], where: str, threads: int = 1) -> None:
        super().__init__(files, where, threads)
        self.decoder = self.settings.get("decoder")
        if self.decoder not in DECODERS:
            raise PackageError(
                f"{where}: the decoder must be one of {', '.join(DECODERS)}, found {self.decoder!r}"
            )
        bias = self.tensors.get("label_bias")
        if bias is None or bias.shape != (len(self.labels),):
            raise PackageError(
                f"{where}: label_bias must have one number for {len(self.labels)} labels"
            )
        self._bias = bias
        if LABEL_NETWORK not in files:
            raise PackageError(f"{where}: {LABEL_NETWORK} is missing")
        self._label_network = LazySession(
            files[LABEL_NETWORK], f"{where}: {LABEL_NETWORK}", threads
        )

    def _nothing(self) -> ParsedSentence:
        return ParsedSentence([], [])

    def arc_scores(self, outputs: List[numpy.ndarray], layout: Layout) -> ArcScores:
        """Computes the arc scores of a batch."""
        return ArcScores(*outputs, layout, self._score_labels, self._bias)

    def _score_labels(self, dependents: numpy.ndarray, heads: numpy.ndarray) -> numpy.ndarray:
        return self._label_network(dependents=dependents, heads=heads)[0]

    def _decode(self, outputs: List[numpy.ndarray], layout: Layout) -> List[ParsedSentence]:
        trees, labels = decode(self.arc_scores(outputs, layout), self.decoder)
        return [
            ParsedSentence(tree.tolist(), [self.labels[number] for number in row.tolist()])
            for tree, row in zip(trees, labels)
        ]
