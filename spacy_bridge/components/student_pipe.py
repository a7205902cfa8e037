"""Base class of all components that run a student."""

from abc import abstractmethod
from functools import partial
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Type,
    Union,
)

import srsly
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.strings import StringStore
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import minibatch
from spacy.vocab import Vocab

from spacy_bridge.components.long_sentences import LongSentences
from spacy_bridge.components.pipeline_manifest import watch_pipelines
from spacy_bridge.components.units import Unit, units_of
from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.runtime import manifest
from spacy_bridge.runtime.open_student import MOST_THREADS, open_student
from spacy_bridge.runtime.packaged_student import PackagedStudent
from spacy_bridge.runtime.requirement import require_in_meta

Prediction = List[Tuple[Unit, Any]]
"""A student's output for a doc: its units, and the result for each."""


class LabelNumbers(Dict[str, int]):
    """The numbers of labels in a string store, each looked up once."""

    def __init__(self, strings: StringStore) -> None:
        super().__init__()
        self._strings = strings

    def __missing__(self, label: str) -> int:
        self[label] = number = self._strings.add(label)
        return number


class StudentPipe(Pipe):
    """A component that annotates docs with a packaged student.

    A new component is empty; `from_disk`, `from_bytes` or `use` set its student.

    # Parameters

    vocab : `Vocab`
    name : `str`
    max_words : `int`
        Longer sentences are split, with a warning for the first one in each `pipe`.
    threads : `int`
        The number of ONNX Runtime threads.
    """

    kind = "tagger"
    """The kind of student that the component runs."""

    def __init__(
        self, vocab: Vocab, name: str, max_words: int, threads: int, **options: Any
    ) -> None:
        for option, value in (("max_words", max_words), ("threads", threads)):
            if value < 1:
                raise BridgeError(f"{name}: {option} must be at least 1, found {value}")
        if threads > MOST_THREADS:
            raise BridgeError(f"{name}: threads must be at most {MOST_THREADS}, found {threads}")
        self.vocab = vocab
        self.name = name
        self.max_words = max_words
        self.threads = threads
        self._options = {"max_words": max_words, "threads": threads, **options}
        self._student: Optional[PackagedStudent] = None
        self._numbers = LabelNumbers(vocab.strings)

    def __reduce__(self) -> Tuple[Any, ...]:
        handler = getattr(self, "error_handler", None)  # spaCy's own components keep theirs too
        return _rebuild, (
            type(self), self.vocab, self.name, self._options, self._student, handler
        )  # fmt: skip

    @property
    def student(self) -> PackagedStudent:
        """
        # Raises

        BridgeError
            If it has none.
        """
        if self._student is None:
            raise BridgeError(
                f"the component '{self.name}' has no student: open a pipeline that was packaged "
                "with one using spacy.load, or add one with spacy_bridge.load_student"
            )
        return self._student

    def use(self, student: PackagedStudent) -> None:
        """Sets the component's student, which then runs with the component's `threads`.

        # Raises

        PackageError
            If the student is of another kind, or has labels that this component cannot set.
        """
        if student.kind != self.kind:
            raise PackageError(
                f"the component '{self.name}' runs a {self.kind}, found a {student.kind}"
            )
        self._check(student)
        for label in self._labels_of(student):
            self.vocab.strings.add(label)
        self._student = student.with_threads(self.threads)

    @property
    def labels(self) -> Tuple[str, ...]:
        """The labels that the component may set."""
        return () if self._student is None else tuple(self._labels_of(self._student))

    def __call__(self, doc: Doc) -> Doc:
        for found in self.pipe([doc], batch_size=1):
            return found
        return doc  # its error went to the error handler, which did not raise it

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotates docs; in each batch of docs, sentences of similar length are processed
        together.

        If a batch fails, its docs are tried one by one, and those that fail go to the error
        handler.
        """
        long = LongSentences(self.name, self.max_words)
        for docs in minibatch(stream, size=batch_size):
            docs = list(docs)
            try:
                self._annotate(docs, long)
            except Exception as error:
                yield from self._one_by_one(docs, long, error)
            else:
                yield from docs

    def _one_by_one(self, docs: List[Doc], long: LongSentences, error: Exception) -> Iterator[Doc]:
        handle = self.get_error_handler()
        if len(docs) == 1:
            handle(self.name, self, docs, error)
            return
        for doc in docs:
            try:
                self._annotate([doc], long)
            except Exception as its_error:
                handle(self.name, self, [doc], its_error)
            else:
                yield doc

    def predict(self, docs: Iterable[Doc]) -> List[Prediction]:
        """Runs the student on docs without changing them.

        # Returns

        `List[Prediction]`
            For each doc, its units and the student's result for each.
        """
        return self._predict(list(docs), LongSentences(self.name, self.max_words))

    def set_annotations(self, docs: Iterable[Doc], predictions: Iterable[Prediction]) -> None:
        """Sets the annotation that `predict` returned for the same docs."""
        for doc, prediction in zip(docs, predictions):
            self._set(doc, prediction)

    def initialize(
        self, get_examples: Callable[[], Iterable[Example]], *, nlp: Optional[Language] = None
    ) -> None:
        """
        # Raises

        BridgeError
            Always: spaCy cannot train a packaged student.
        """
        raise BridgeError(
            f"the component '{self.name}' runs a packaged student, which spaCy cannot train: add "
            "it to training.frozen_components in the configuration, or initialize the other "
            f"components inside `with nlp.select_pipes(disable=['{self.name}'])`"
        )

    def _annotate(self, docs: Sequence[Doc], long: LongSentences) -> None:
        # All results are computed before any is set, so a batch that fails leaves its docs
        # unchanged.
        self.set_annotations(docs, self._predict(docs, long))

    def _predict(self, docs: Sequence[Doc], long: LongSentences) -> List[Prediction]:
        units = [self._units(doc, long) for doc in docs]
        results = iter(self._run(docs, units))
        return [[(unit, next(results)) for unit in part] for part in units]

    def _run(self, docs: Sequence[Doc], units: Sequence[List[Unit]]) -> List[Any]:
        """Returns the student's result for each unit of all docs."""
        return self.student([unit.words for of_doc in units for unit in of_doc])

    def _units(self, doc: Doc, long: LongSentences) -> List[Unit]:
        return units_of(doc, self.max_words, self._by_sentence(doc), partial(long.warn, doc))

    def _by_sentence(self, doc: Doc) -> bool:
        """Whether the doc is split into its sentences; otherwise it is one sentence."""
        return doc.has_annotation("SENT_START")

    @abstractmethod
    def _set(self, doc: Doc, results: Prediction) -> None:
        """Sets the student's results for each unit."""

    def _check(self, student: PackagedStudent) -> None:
        """Refuses labels that cannot be set."""

    def _labels_of(self, student: PackagedStudent) -> List[str]:
        return student.labels

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        files = self.student.files
        return srsly.msgpack_dumps({**files, manifest.MANIFEST: manifest.sum_up(files)})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "StudentPipe":
        try:
            files = srsly.msgpack_loads(data)
        except Exception as error:  # msgpack's errors have no common base class
            raise PackageError(f"the bytes of '{self.name}' are damaged: {error}") from error
        if not isinstance(files, Mapping):
            raise PackageError(f"the bytes of '{self.name}' are damaged: they contain no files")
        self.use(open_student(files, self.threads))
        return self

    def to_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> None:
        """Writes the student's files, and adds its requirements to the pipeline's `meta.json`."""
        manifest.write_files(path, self.student.files)
        require_in_meta(Path(path).parent, self.student.extra)

    def from_disk(self, path: Union[str, Path], *, exclude: Iterable[str] = ()) -> "StudentPipe":
        if Path(path).is_symlink():
            raise PackageError(
                f"{path} is a link; the folder of a component must be inside its pipeline's folder"
            )
        self.use(open_student(Path(path), self.threads))
        return self


def _has_students(nlp: Language) -> bool:
    return any(isinstance(pipe, StudentPipe) for _, pipe in nlp.components)


watch_pipelines(_has_students)


def _rebuild(
    kind: Type[StudentPipe],
    vocab: Vocab,
    name: str,
    options: Dict[str, Any],
    student: Any,
    handler: Any,
) -> StudentPipe:
    made = kind(vocab, name, **options)
    if student is not None:
        made.use(student)
    if handler is not None:
        made.set_error_handler(handler)
    return made


def one_of(option: str, value: str, allowed: Sequence[str]) -> str:
    """Returns the value of a component's option after checking it.

    # Raises

    BridgeError
        If it is not allowed.
    """
    if value not in allowed:
        raise BridgeError(f"{option} must be one of {', '.join(allowed)}, found {value!r}")
    return value
