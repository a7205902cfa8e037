"""A packaged tagger."""

from typing import List, Mapping, Optional

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.decoding.chain_decoder import ChainDecoder
from spacy_bridge.runtime.decoding.spans import ENCODINGS
from spacy_bridge.runtime.decoding.viterbi import FORBIDDEN_SCORE, ChainScores
from spacy_bridge.runtime.networks.layout import Layout
from spacy_bridge.runtime.packaged_student import PackagedStudent


class PackagedTagger(PackagedStudent):
    """A `crf_tagger`, `simple_tagger` or a student of either: returns one tag per word."""

    kind = "tagger"

    def __init__(self, files: Mapping[str, bytes], where: str, threads: int = 1) -> None:
        super().__init__(files, where, threads)
        self.encoding: Optional[str] = self.settings.get("encoding")
        if self.encoding is not None and self.encoding not in ENCODINGS:
            raise PackageError(
                f"{where}: the encoding must be one of {', '.join(ENCODINGS)} or none, "
                f"found {self.encoding!r}"
            )
        # A `simple_tagger` decodes each word separately.
        self.scores = self._chain_scores(where) if self.settings.get("chain", True) else None
        self.decoder = None if self.scores is None else ChainDecoder(self.scores)

    def _chain_scores(self, where: str) -> ChainScores:
        try:
            scores = ChainScores(
                *(
                    numpy.where(
                        self.tensors[f"{name}.allowed"] > 0, self.tensors[name], FORBIDDEN_SCORE
                    )
                    for name in ("transitions", "start", "end")
                )
            )
        except (KeyError, ValueError) as error:
            raise PackageError(
                f"{where}: the transition weights do not fit the tags: {error}"
            ) from error
        if len(scores.start) != len(self.labels):
            raise PackageError(
                f"{where}: there are {len(self.labels)} labels, but transitions between "
                f"{len(scores.start)}"
            )
        for part in (scores.transitions, scores.start, scores.end):
            if not numpy.isfinite(part).all():
                raise PackageError(
                    f"{where}: transition weights must be finite, found "
                    f"{part[~numpy.isfinite(part)][0]}"
                )
        return scores

    def _nothing(self) -> List[str]:
        return []

    def _decode(self, outputs: List[numpy.ndarray], layout: Layout) -> List[List[str]]:
        emissions, expected = outputs[0], (int(layout.lengths.sum()), len(self.labels))
        if emissions.shape != expected:
            raise PackageError(
                f"{self._where}: the network must return shape {expected}, found {emissions.shape}"
            )
        if self.decoder is None:
            tags = emissions.argmax(axis=1)
        else:
            tags = self.decoder(emissions, layout.lengths)
        labels = self.labels
        named = [labels[tag] for tag in tags.tolist()]
        ends = numpy.cumsum(layout.lengths)
        return [
            named[start:end] for start, end in zip((ends - layout.lengths).tolist(), ends.tolist())
        ]
