"""Reads documents for a tagger that splits them into sentences."""

from os import PathLike
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple, Union

import spacy
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance, Token, TokenIndexer
from allennlp.data.token_indexers import SingleIdTokenIndexer
from overrides import overrides

from allennlp_kd.readers.tagged_sentence import tagged_sentence
from allennlp_kd.readers.treebank_text import documents
from allennlp_kd.text_files import lines_of

START, INSIDE = "S", "I"
FORMATS = ("conllu", "lines")


@DatasetReader.register("sentence_starts")
class SentenceStartsReader(DatasetReader):
    """Reads whole documents for sentence splitting as tagging: the tag of a word says whether it
    starts a sentence (`S`) or not (`I`).

    The raw text of the documents is tokenized by spaCy's rules, as in a pipeline. A long document
    is read in windows of `max_words` words. A student of these tags becomes the component
    `kd_senter`.

    # Parameters

    token_indexers : `Dict[str, TokenIndexer]`, optional
        How the words are indexed; by default as `tokens`, by their text (`single_id`).
    language : `str`, optional (default = `"en"`)
        The language as spaCy's code.
    format : `str`, optional (default = `"conllu"`)
        `conllu`: a treebank with the comments `text`, `newdoc` and `sent_id`. `lines`: one sentence
        per line, and an empty line between documents.
    max_words : `int`, optional (default = `128`)
        The number of words in a window.
    label_namespace : `str`, optional (default = `"labels"`)
        The vocabulary's namespace for the tags.

    # Raises

    ConfigurationError
        If an option is not allowed; while reading, if a line is not of the format (with file and line
        number).
    """

    def __init__(
        self,
        token_indexers: Optional[Dict[str, TokenIndexer]] = None,
        language: str = "en",
        format: str = "conllu",
        max_words: int = 128,
        label_namespace: str = "labels",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if format not in FORMATS:
            raise ConfigurationError(
                f"sentence_starts: format must be one of {', '.join(FORMATS)}, found {format!r}"
            )
        if max_words < 1:
            raise ConfigurationError(
                f"sentence_starts: max_words must be at least 1, found {max_words}"
            )
        self._token_indexers = token_indexers or {"tokens": SingleIdTokenIndexer()}
        self._language = language
        self._format = format
        self._max_words = max_words
        self._label_namespace = label_namespace
        self._tokenizer: Any = None

    @overrides
    def _read(self, file_path: Union[str, PathLike]) -> Iterable[Instance]:
        for text, starts in self._documents(file_path):
            words, tags = self._tagged(text, starts)
            for first in range(0, len(words), self._max_words):
                window = slice(first, first + self._max_words)
                yield self.text_to_instance([Token(word) for word in words[window]], tags[window])

    def _documents(self, file_path: Union[str, PathLike]) -> Iterator[Tuple[str, Sequence[int]]]:
        """Yields each document's text and the positions where its sentences start."""
        if self._format == "conllu":
            for document in documents(file_path):
                yield document.text, document.starts
            return
        text, starts = "", []
        for line in [*lines_of(file_path), ""]:
            if line.strip():
                text += " " if text else ""
                starts.append(len(text))
                text += line.strip()
            elif text:
                yield text, starts
                text, starts = "", []

    def _tagged(self, text: str, starts: Sequence[int]) -> Tuple[List[str], List[str]]:
        """Returns a document's words with their tags. A sentence start inside a word is ignored."""
        if self._tokenizer is None:
            try:
                self._tokenizer = spacy.blank(self._language).tokenizer
            except ImportError as error:  # spaCy raises it for an unknown language
                raise ConfigurationError(
                    f"spaCy has no tokenizer for the language '{self._language}': {error}"
                ) from error
        words, tags, first = [], [], set(starts)
        for token in self._tokenizer(text):
            if not token.is_space:
                words.append(token.text)
                tags.append(START if token.idx in first else INSIDE)
        return words, tags

    @overrides(check_signature=False)
    def text_to_instance(self, tokens: List[Token], tags: Optional[List[str]] = None) -> Instance:
        """
        # Parameters

        tokens : `List[Token]`
            The words of a window.
        tags : `List[str]`, optional (default = `None`)
            `S` or `I` for each of them, where they are known.

        # Returns

        `Instance`
            With the fields `tokens`, `metadata` (its `words`) and, where known, `tags`.
        """
        return tagged_sentence(tokens, tags, self._token_indexers, self._label_namespace)
