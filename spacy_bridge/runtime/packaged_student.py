"""Base class of packaged students, which turn words into annotation."""

import json
from abc import ABC, abstractmethod
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy

from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.runtime.networks.batches import batches_by_length
from spacy_bridge.runtime.networks.layout import Layout
from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.networks.tensors import dump_tensors, load_tensors
from spacy_bridge.runtime.words.inputs import build_text_encoder
from spacy_bridge.runtime.words.sources import EmbeddedWords
from spacy_bridge.runtime.words.vocabulary import TokenNumbers

SETTINGS, VOCABULARY, WEIGHTS, NETWORK = (
    "settings.json",
    "vocabulary.json",
    "weights.safetensors",
    "network.onnx",
)


class PackagedStudent(ABC):
    """Runs the network of a packaged student with NumPy and ONNX Runtime.

    It can be pickled; sessions are created in each process.

    # Parameters

    files : `Mapping[str, bytes]`
        The checked files, without the manifest.
    where : `str`
        For errors.
    threads : `int`, optional (default = `1`)
    """

    kind: str
    """The name of this kind of student in `settings.json`."""
    max_cells = 4096
    """The maximum number of words in a batch, including padding."""

    def __init__(self, files: Mapping[str, bytes], where: str, threads: int = 1) -> None:
        self._where, self._threads = where, threads
        for name in (SETTINGS, VOCABULARY, WEIGHTS, NETWORK):
            if name not in files:
                raise PackageError(f"{where}: {name} is missing")
        self.settings = read_json(files, SETTINGS, where)
        vocabulary = read_json(files, VOCABULARY, where)
        self.tensors = load_tensors(files[WEIGHTS], f"{where}: {WEIGHTS}")
        # Copies the arrays, so that embedding tables are not in memory twice.
        self._others = {name: content for name, content in files.items() if name != WEIGHTS}
        try:
            self.labels: List[str] = list(self.settings["labels"])
            self._encode = build_text_encoder(
                self.settings["inputs"], vocabulary, self.tensors, files, where, threads
            )
            self._embed_tags = self._tag_source(vocabulary)
        except KeyError as error:
            raise PackageError(f"{where}: {SETTINGS} lacks or misnames {error}") from error
        self._network = LazySession(files[NETWORK], f"{where}: {NETWORK}", threads)

    @property
    def files(self) -> Dict[str, bytes]:
        """The files of the student, without the manifest."""
        return {**self._others, WEIGHTS: dump_tensors(self.tensors)}

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.files, self._where, self._threads)

    @property
    def extra(self) -> Optional[str]:
        """The extra of this package that must be installed to run the student."""
        return "transformer" if any(name.startswith("tokenizer") for name in self.files) else None

    def with_threads(self, threads: int) -> "PackagedStudent":
        """Returns a student with the same files that runs with this many threads."""
        if threads == self._threads:
            return self
        return type(self)(self.files, self._where, threads)

    @property
    def tag_attribute(self) -> Optional[str]:
        """The annotation that the student reads besides words: `tag` or `pos`; `None` if it reads
        no tags.
        """
        return None if self._embed_tags is None else str(self.settings["tags"]["attribute"])

    def _tag_source(self, vocabulary: Mapping[str, List[str]]) -> Optional[EmbeddedWords]:
        settings = self.settings.get("tags")
        if settings is None:
            return None
        numbers = TokenNumbers(vocabulary[settings["vocabulary"]])
        return EmbeddedWords(numbers, self.tensors[settings["weight"]])

    def __call__(
        self, sentences: Sequence[Sequence[str]], tags: Optional[Sequence[Sequence[str]]] = None
    ) -> List[Any]:
        """Annotates sentences in the given order; an empty sentence gets an empty annotation.

        # Parameters

        sentences : `Sequence[Sequence[str]]`
            The words of each sentence.
        tags : `Sequence[Sequence[str]]`, optional
            A tag for each word, for a student with a `tag_attribute`. One that it never saw is unknown.
        """
        results: List[Any] = [self._nothing() for _ in sentences]
        for rows in batches_by_length([len(sentence) for sentence in sentences], self.max_cells):
            batch = [sentences[row] for row in rows]
            their = None if tags is None else [tags[row] for row in rows]
            for row, result in zip(rows, self._decode(*self.outputs(batch, their))):
                results[row] = result
        return results

    def outputs(
        self, batch: Sequence[Sequence[str]], tags: Optional[Sequence[Sequence[str]]] = None
    ) -> Tuple[List[numpy.ndarray], Layout]:
        """Runs the network on sentences with at least one word each.

        # Returns

        `Tuple[List[numpy.ndarray], Layout]`
            The network's outputs, and where the sentences' words stand in them.
        """
        layout = Layout.of(numpy.fromiter(map(len, batch), numpy.int64, len(batch)))
        words = self._encode(batch)
        if self._embed_tags is not None:
            if tags is None:
                raise BridgeError(
                    f"{self._where}: the student reads a {self.tag_attribute} for each word, but "
                    "none are given"
                )
            # Shape: (words, size)
            part = self._embed_tags([tag for sentence in tags for tag in sentence])
            words = numpy.concatenate([words, part], axis=1)
        outputs = self._network(
            words=words,
            slots=layout.slots,
            places=layout.places,
            lengths=layout.lengths.astype(numpy.int32),
        )
        return outputs, layout

    @abstractmethod
    def _nothing(self) -> Any:
        """Returns the annotation of an empty sentence."""

    @abstractmethod
    def _decode(self, outputs: List[numpy.ndarray], layout: Layout) -> List[Any]:
        """Decodes the network's outputs for a batch, longest sentence first, to one result per
        sentence.
        """


def read_json(files: Mapping[str, bytes], name: str, where: str) -> Dict[str, Any]:
    """Reads a JSON object from the files."""
    try:
        content = json.loads(files[name].decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PackageError(f"{where}: {name} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise PackageError(
            f"{where}: {name} must contain an object, found {type(content).__name__}"
        )
    return content
