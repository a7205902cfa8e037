"""Word vectors from a transformer over word pieces."""

from typing import Dict, List, Optional, Sequence, Tuple

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.networks.batches import batches_by_length
from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.tokenizer_guard import TokenizerError, check_tokenizer

MAX_PIECES = 512
"""The maximum number of pieces in a batch; more do not fit into a processor's cache."""

MANY_PIECES = 12
"""If a word has more pieces than this, pieces are summed by one call, which is slower for short
words.
"""

LONGEST_KEPT = 200
"""The pieces of longer words are not cached: they occur once, and would keep memory forever."""


class WordPieces:
    """Runs a transformer as AllenNLP's `pretrained_transformer_mismatched` does.

    Each word is split on its own, and its vector made of those of its pieces; a word without pieces gets
    zeros. Longer sentences are folded into segments of `max_length` pieces, each with its own start and end.

    # Parameters

    tokenizer : `bytes`
        The content of a `tokenizer.json`.
    network : `LazySession`
        If `packed`, as `spacy_bridge.packaging.networks.transformer_layers.layers_graph` has it.
        Otherwise from `pieces` (segments, pieces) and `mask` (the same), both int64, to vectors
        (segments, pieces, size).
    size : `int`
    start, end : `Sequence[int]`
        The pieces around each segment.
    max_length : `int`, optional
    mode : `str`
        `avg` or `first`: the mean of the pieces' vectors, or the first's.
    packed : `bool`, optional (default = `False`)
        Whether the network takes the pieces of all segments without padding.
    skipped_piece : `int`, optional
        For a packed network whose positions count from 1: the piece that has position 0 wherever it stands.
    unknown_piece : `int`, optional
        If given, each word is one word piece, this one where the vocabulary has no such piece: AllenNLP's
        `pretrained_transformer`.
    """

    def __init__(
        self,
        tokenizer: bytes,
        network: LazySession,
        size: int,
        start: Sequence[int],
        end: Sequence[int],
        max_length: Optional[int],
        mode: str,
        packed: bool = False,
        skipped_piece: Optional[int] = None,
        unknown_piece: Optional[int] = None,
    ) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise PackageError(
                "this student reads word pieces, which needs the package tokenizers: "
                "pip install 'allennlp-kd[transformer]'"
            ) from error
        if mode not in ("avg", "first"):
            raise PackageError(f"the mode of word pieces must be avg or first, found {mode!r}")
        try:
            check_tokenizer(tokenizer, "the tokenizer")
            self._tokenizer = Tokenizer.from_str(tokenizer.decode("utf-8"))
        except TokenizerError as error:
            raise PackageError(str(error)) from error
        except Exception as error:  # the library raises only its base class
            raise PackageError(f"the tokenizer cannot be read: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._network = network
        self.size = size
        self._start, self._end = list(start), list(end)
        self._room = None if max_length is None else max_length - len(start) - len(end)
        if self._room is not None and self._room < 1:
            raise PackageError(
                f"max_length must be more than the {len(start) + len(end)} pieces around a "
                f"segment, found {max_length}"
            )
        self._mode = mode
        self._packed = packed
        self._skipped_piece = skipped_piece
        self._unknown_piece = unknown_piece
        self._known: Dict[str, List[int]] = {}

    def pieces_of(self, word: str) -> List[int]:
        """Returns the piece indices of a word."""
        if self._unknown_piece is not None:
            piece = self._tokenizer.token_to_id(word)
            return [self._unknown_piece if piece is None else piece]
        pieces = self._known.get(word)
        if pieces is None:
            if len(self._known) >= 50000:
                self._known.clear()
            pieces = self._tokenizer.encode(word, add_special_tokens=False).ids
            if len(word) <= LONGEST_KEPT:
                self._known[word] = pieces
        return pieces

    def __call__(self, sentences: Sequence[Sequence[str]]) -> numpy.ndarray:
        """See `SentenceSource`."""
        split = [[self.pieces_of(word) for word in sentence] for sentence in sentences]
        segments: List[
            Tuple[int, List[int]]
        ] = []  # their positions among all pieces, and the pieces
        place = 0
        for words in split:
            pieces = [piece for word in words for piece in word]
            room = self._room or max(1, len(pieces))
            for first in range(0, len(pieces), room):
                segments.append((place + first, pieces[first : first + room]))
            place += len(pieces)
        # Shape: (pieces, size)
        vectors = numpy.zeros((place, self.size), numpy.float32)
        extra = len(self._start) + len(self._end)
        lengths = [len(pieces) + extra for _, pieces in segments]
        fill = self._fill_packed if self._packed else self._fill
        for rows in batches_by_length(lengths, MAX_PIECES):
            fill(vectors, [segments[row] for row in rows])
        counts = [len(word) for words in split for word in words]
        return _pool(vectors, numpy.array(counts, numpy.int64), self._mode)

    def _fill_packed(self, vectors: numpy.ndarray, segments: List[Tuple[int, List[int]]]) -> None:
        before = len(self._start)
        first = numpy.array([place for place, _ in segments])
        sizes = numpy.array([len(inner) for _, inner in segments])
        counts = sizes + before + len(self._end)
        row: List[int] = []
        for _, inner in segments:
            row += self._start
            row += inner
            row += self._end
        pieces = numpy.array(row, numpy.int64)
        step = numpy.arange(counts.max())
        # Shape: (segments, length)
        real = step < counts[:, None]
        starts = numpy.cumsum(counts) - counts
        (outputs,) = self._network(
            pieces=pieces,
            positions=self._positions(pieces, starts, counts),
            slots=numpy.where(real, starts[:, None] + step, 0),
            counts=counts,
            places=numpy.flatnonzero(real),
        )
        inside = (step >= before) & (step < (before + sizes)[:, None])
        vectors[(first[:, None] - before + step)[inside]] = outputs[inside[real]]

    def _positions(
        self, pieces: numpy.ndarray, starts: numpy.ndarray, counts: numpy.ndarray
    ) -> numpy.ndarray:
        """Returns the position of each piece in its segment: shape `(pieces,)`."""
        if self._skipped_piece is None:
            return numpy.arange(len(pieces)) - numpy.repeat(starts, counts)
        counted = pieces != self._skipped_piece
        total = numpy.cumsum(counted)
        before = total[starts] - counted[starts]
        return (total - numpy.repeat(before, counts)) * counted

    def _fill(self, vectors: numpy.ndarray, segments: List[Tuple[int, List[int]]]) -> None:
        before = len(self._start)
        length = len(segments[0][1]) + before + len(self._end)
        pieces = numpy.zeros((len(segments), length), numpy.int64)
        mask = numpy.zeros_like(pieces)
        for row, (_, inner) in enumerate(segments):
            whole = self._start + inner + self._end
            pieces[row, : len(whole)] = whole
            mask[row, : len(whole)] = 1
        (outputs,) = self._network(pieces=pieces, mask=mask)
        for row, (place, inner) in enumerate(segments):
            vectors[place : place + len(inner)] = outputs[row, before : before + len(inner)]


def _pool(vectors: numpy.ndarray, counts: numpy.ndarray, mode: str) -> numpy.ndarray:
    """Returns one vector per word from `counts` successive pieces each: shape `(words, size)`."""
    words = numpy.zeros((len(counts), vectors.shape[1]), numpy.float32)
    some = counts > 0
    if not some.any():
        return words
    first, counts = (numpy.cumsum(counts) - counts)[some], counts[some]
    if mode == "first":
        words[some] = vectors[first]
    elif counts.max() > MANY_PIECES:
        words[some] = numpy.add.reduceat(vectors, first, axis=0) / counts[:, None]
    else:
        # Most words have one piece, so this is faster than `reduceat`.
        total = vectors[first]
        for piece in range(1, int(counts.max())):
            rows = numpy.flatnonzero(counts > piece)
            total[rows] += vectors[first[rows] + piece]
        rows = numpy.flatnonzero(counts > 1)
        total[rows] /= counts[rows, None]
        words[some] = total
    return words
