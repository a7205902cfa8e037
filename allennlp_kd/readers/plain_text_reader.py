"""Reads raw text."""

import sys
from os import PathLike
from typing import Any, Iterator, Optional, Union

import spacy
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader
from overrides import overrides
from spacy.language import Language
from spacy.tokens import Doc

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.readers.unlabelled_reader import UnlabelledReader
from allennlp_kd.text_files import lines_of


@DatasetReader.register("plain_text")
class PlainTextReader(UnlabelledReader):
    """Reads UTF-8 text with one sentence per line; empty lines are skipped.

    Text is tokenized by spaCy's rules for a language; no model is needed or downloaded. The words
    should follow the rules of the annotated text. If the text is tokenized already, set `tokenize`
    to false.

    # Parameters

    language : `str`, optional (default = `"en"`)
        The language as spaCy's code; `xx` is language-independent.
    tokenize : `bool`, optional (default = `True`)
        If false, words are separated by white space.
    split_sentences : `bool`, optional (default = `False`)
        Whether a line may contain several sentences, which spaCy's `sentencizer` splits at full
        stops and similar punctuation.
    reader : `DatasetReader`, optional
        Makes the instances. Inside a `distillation` reader, leave it out: the student's reader is
        used.
    max_words : `int`, optional
        Longer sentences are left out.

    # Raises

    ConfigurationError
        While reading: if spaCy does not know the language or lacks what it needs for it, or a line
        is not UTF-8 (with file and line number).
    """

    def __init__(
        self,
        language: str = "en",
        tokenize: bool = True,
        split_sentences: bool = False,
        reader: Optional[DatasetReader] = None,
        max_words: Optional[int] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(reader, max_words, **kwargs)
        self._language = language
        self._tokenize = tokenize
        self._split_sentences = split_sentences
        self._pipeline: Optional[Language] = None

    @overrides
    def _sentences(self, file_path: Union[str, PathLike]) -> Iterator[Sentence]:
        for line in lines_of(file_path):
            if not line.strip():
                continue
            if not self._tokenize and not self._split_sentences:
                yield Sentence(tuple(line.split()))
                continue
            text = self._words_of(line)
            for part in text.sents if self._split_sentences else (text,):
                yield Sentence(tuple(token.text for token in part if not token.is_space))

    def _words_of(self, line: str) -> Doc:
        # Built lazily, because a configuration in an archive also contains this reader.
        if self._pipeline is None:
            self._pipeline = self._build()
        if self._tokenize:
            text = self._pipeline.make_doc(line)
        else:
            text = Doc(self._pipeline.vocab, words=line.split())
        for _, component in self._pipeline.pipeline:
            text = component(text)
        return text

    def _build(self) -> Language:
        try:
            pipeline = spacy.blank(self._language)
        except ImportError as error:  # spaCy raises it for an unknown language
            raise ConfigurationError(
                f"spaCy has no tokenizer for the language '{self._language}': {error}"
            ) from error
        # spaCy's limit protects parsers from running out of memory.
        pipeline.max_length = sys.maxsize
        if self._split_sentences:
            pipeline.add_pipe("sentencizer")
        return pipeline
