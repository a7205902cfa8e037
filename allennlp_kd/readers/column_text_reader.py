"""Reads words from a file with one word per line."""

from os import PathLike
from typing import Any, Iterator, List, Optional, Union

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader
from overrides import overrides

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.readers.malformed_lines import NO_WORD, TREEBANK_COLUMNS
from allennlp_kd.readers.unlabelled_reader import UnlabelledReader
from allennlp_kd.text_files import cells_of, is_document_start, lines_of


@DatasetReader.register("column_text")
class ColumnTextReader(UnlabelledReader):
    """Reads only the words of a file with one word per line and an empty line between sentences:
    CoNLL files whose gold is missing or should be ignored.

    Columns are separated by tabs if the line has one, otherwise by white space. A line of
    `-DOCSTART-` separates sentences, as an empty line does.

    # Parameters

    word_column : `int`, optional (default = `0`, of CoNLL-U `1`)
        The column of the words, counted from 0.
    tag_column : `int`, optional
        The column of part-of-speech tags, for teachers and students that take them.
    conllu : `bool`, optional (default = `False`)
        Whether the file is CoNLL-U: ten columns separated by tabs, comments, and lines that are not
        words (multi-word ranges and empty nodes).
    reader : `DatasetReader`, optional
        Makes the instances. Inside a `distillation` reader, leave it out: the student's reader is
        used.
    max_words : `int`, optional
        Longer sentences are left out.

    # Raises

    ConfigurationError
        If a column is negative; while reading, if a line has not as many columns as the first one
        (of CoNLL-U ten), or not those that are asked for (with file and line number).
    """

    def __init__(
        self,
        word_column: Optional[int] = None,
        tag_column: Optional[int] = None,
        conllu: bool = False,
        reader: Optional[DatasetReader] = None,
        max_words: Optional[int] = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(reader, max_words, **kwargs)
        self._conllu = conllu
        self._word_column = int(conllu) if word_column is None else word_column
        self._tag_column = tag_column
        self._last_column = max(self._word_column, -1 if tag_column is None else tag_column)
        if min(self._word_column, self._word_column if tag_column is None else tag_column) < 0:
            raise ConfigurationError(
                f"columns are counted from 0, but word_column is {self._word_column} and "
                f"tag_column is {tag_column}"
            )

    @overrides
    def _sentences(self, file_path: Union[str, PathLike]) -> Iterator[Sentence]:
        expected = TREEBANK_COLUMNS if self._conllu else None
        words: List[List[str]] = []
        for number, line in enumerate(lines_of(file_path), start=1):
            columns = line.split("\t") if self._conllu else cells_of(line)
            if not line.strip() or (not self._conllu and is_document_start(line)):
                yield self._sentence(words)
                words = []
            elif not self._conllu or self._is_word(line, columns):
                expected = len(columns) if expected is None else expected
                if len(columns) != expected:
                    raise ConfigurationError(
                        f"{file_path}, line {number}: expected {expected} columns, found "
                        f"{len(columns)}"
                    )
                if self._last_column >= expected:
                    raise ConfigurationError(
                        f"{file_path}, line {number}: column {self._last_column} (counted from 0) "
                        f"does not exist; the line has {expected} columns"
                    )
                words.append(columns)
        yield self._sentence(words)

    @staticmethod
    def _is_word(line: str, columns: List[str]) -> bool:
        return not line.startswith("#") and NO_WORD.fullmatch(columns[0]) is None

    def _sentence(self, words: List[List[str]]) -> Sentence:
        tags = None
        if self._tag_column is not None:
            tags = tuple(columns[self._tag_column] for columns in words)
        return Sentence(tuple(columns[self._word_column] for columns in words), tags)
