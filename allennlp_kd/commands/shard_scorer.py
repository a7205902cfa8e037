"""Scores one piece of a corpus into one shard of a store."""

import hashlib
import json
import threading
from typing import Any, Dict, NamedTuple, Optional, Tuple

import torch
from allennlp.common import Params
from allennlp.common.util import import_module_and_submodules

from allennlp_kd.commands.corpus_words import CorpusWords
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from spacy_bridge.corpus.command_line import Done
from spacy_bridge.corpus.piece import Piece
from spacy_bridge.corpus.reading import read

# What this process has opened, by the task. A network must not be used by two threads at once.
OPENED = 2  # teachers that a worker keeps: two runs may share it
_opened: Dict[str, Tuple[StoreTeacher, CorpusWords]] = {}
_lock = threading.Lock()


class ShardScorer(NamedTuple):
    """The task that is sent to a worker. It opens the teacher there, once per process.

    A shard is named by its content, the batches and the way to words: if a complete file of that name
    exists, the piece is done. Nothing in a shard depends on the process that writes it, or on what
    else is in the store.

    # Parameters

    teacher : `str`
        The parameters of a teacher of type `store`, as JSON.
    language : `str`, optional
    tags : `str`, optional (default = `"upos"`)
        See `CorpusWords`.
    threads : `int`, optional (default = `1`)
        Of a worker's tensors; sums of floats may depend on it.
    packages : `Tuple[str, ...]`, optional
        To be imported for the classes that they register.
    run : `str`, optional
        A name for this run. A worker opens teacher and store again for each run, because their files
        may have changed since the last one.
    """

    teacher: str
    language: Optional[str] = None
    tags: str = "upos"
    threads: int = 1
    packages: Tuple[str, ...] = ("allennlp_kd.plugin",)
    run: str = ""

    def shard(self, piece: Piece) -> str:
        """The name of the shard's file, without the suffix."""
        batch_size = json.loads(self.teacher).get("batch_size")
        content = json.dumps([piece.digest, self.language, self.tags, batch_size, self.threads])
        return "corpus-" + hashlib.blake2b(content.encode(), digest_size=16).hexdigest()

    def is_done(self, piece: Piece) -> bool:
        """Whether the store, which must belong to the teacher, has the complete shard."""
        return self.open().has_shard(self.shard(piece))

    def open(self) -> StoreTeacher:
        """Opens the store to write to; its header is written with the first shard."""
        key = json.dumps(self)
        if key not in _opened:
            for package in self.packages:
                import_module_and_submodules(package)
            parameters: Dict[str, Any] = json.loads(self.teacher)
            teacher = Teacher.from_params(Params(parameters))
            teacher.open()
            while len(_opened) >= OPENED:
                del _opened[next(iter(_opened))]
            _opened[key] = teacher, CorpusWords(self.language, self.tags)
        return _opened[key][0]

    def __call__(self, piece: Piece) -> Done:
        """Scores a piece of the corpus, unless its shard exists."""
        name = self.shard(piece)
        with _lock:
            if self.is_done(piece):
                return Done(name, piece.sentences, False)
            threads = torch.get_num_threads()
            torch.set_num_threads(self.threads)
            try:
                teacher = self.open()
                teacher.write_shard(name, _opened[json.dumps(self)][1](read(piece)))
            finally:
                torch.set_num_threads(threads)
        return Done(name, piece.sentences, True)
