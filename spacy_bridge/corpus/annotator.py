"""Annotates one piece of a corpus into one file."""

import threading
from pathlib import Path
from typing import Dict, List, NamedTuple

from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_bridge.atomic_file import atomic_file
from spacy_bridge.components.open_pipeline import open_pipeline
from spacy_bridge.corpus.command_line import Done
from spacy_bridge.corpus.doc_rows import parquet_of
from spacy_bridge.corpus.part_file import is_whole
from spacy_bridge.corpus.piece import Piece
from spacy_bridge.corpus.pipeline_digest import pipeline_digest
from spacy_bridge.corpus.reading import read
from spacy_bridge.corpus.row import Row
from spacy_bridge.errors import BridgeError

OUTPUTS = {"spacy": ".spacy", "parquet": ".parquet"}
ATTRIBUTES = ["ORTH", "TAG", "POS", "MORPH", "LEMMA", "ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID"]

# The pipelines that this process has opened, by digest. A pipeline must not be used by two threads
# at once.
_opened: Dict[str, Language] = {}
_lock = threading.Lock()


class Annotator(NamedTuple):
    """The task that is sent to a worker. It opens the pipeline there, once per process.

    If a piece's file exists and is complete, the piece is done.

    # Parameters

    pipeline : `str`
        A folder, or the name of an installed package.
    digest : `str`
        Of the pipeline's files; a worker that finds another refuses.
    output : `str`
        The folder, as the workers see it.
    kind : `str`
        One of `OUTPUTS`.
    user_data : `bool`, optional (default = `False`)
        Whether a `DocBin` keeps `doc.user_data`.
    """

    pipeline: str
    digest: str
    output: str
    kind: str
    user_data: bool = False

    def file(self, piece: Piece) -> Path:
        """The output file's name; names sort in the order of the corpus."""
        return Path(self.output) / f"part-{piece.number:06d}-{piece.digest}{OUTPUTS[self.kind]}"

    def is_done(self, piece: Piece) -> bool:
        return is_whole(self.file(piece))

    def open(self) -> Language:
        """
        # Raises

        BridgeError
            If the pipeline is another here.
        """
        if self.digest not in _opened:
            found = pipeline_digest(self.pipeline)
            if found != self.digest:
                raise BridgeError(
                    f"the pipeline {self.pipeline} is different on this worker: expected the "
                    f"digest {self.digest}, found {found}"
                )
            _opened[self.digest] = open_pipeline(self.pipeline)
        return _opened[self.digest]

    def __call__(self, piece: Piece) -> Done:
        """Annotates a piece of the corpus, unless its file exists."""
        file = self.file(piece)
        with _lock:
            if is_whole(file):
                return Done(file.name, piece.sentences, False)
            nlp = self.open()
            docs = list(nlp.pipe(doc_of(nlp, row) for row in read(piece)))
            with atomic_file(file) as content:
                content.write(self._packed(docs))
        return Done(file.name, piece.sentences, True)

    def _packed(self, docs: List[Doc]) -> bytes:
        if self.kind == "parquet":
            return parquet_of(docs)
        parsed = any(doc.has_annotation("DEP") for doc in docs)
        structure = ["HEAD", "DEP"] if parsed else ["SENT_START"]
        packed = DocBin(attrs=ATTRIBUTES + structure, docs=docs, store_user_data=self.user_data)
        return packed.to_bytes()


def doc_of(nlp: Language, row: Row) -> Doc:
    """Makes a doc: text is tokenized by the pipeline; given words are one sentence.

    # Raises

    BridgeError
        If a text is longer than the pipeline takes.
    """
    if row.text is not None:
        if len(row.text) > nlp.max_length:
            raise BridgeError(
                f"a text of {len(row.text)} characters is too long for the pipeline, which takes "
                f"at most {nlp.max_length} (nlp.max_length): split the text that begins "
                f"{row.text[:40]!r}"
            )
        return nlp.make_doc(row.text)
    words = row.words or ()
    starts = [place == 0 for place in range(len(words))]
    return Doc(nlp.vocab, words=list(words), sent_starts=starts)
