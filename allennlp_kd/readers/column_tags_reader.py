"""Reads tags from a column of a file with one word a line."""

from typing import Dict, Iterable, List, Optional

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance, Token, TokenIndexer
from allennlp.data.token_indexers import SingleIdTokenIndexer
from overrides import overrides

from allennlp_kd.readers.span_encodings import LETTERS, recoded
from allennlp_kd.readers.tagged_sentence import tagged_sentence
from allennlp_kd.text_files import column_blocks, lines_of


@DatasetReader.register("column_tags")
class ColumnTagsReader(DatasetReader):
    """
    Reads a file with one word a line, its annotation in columns, and an empty line after each
    sentence: a word and a tag, or any number of columns between them. Columns are separated by tabs if
    the line has one, otherwise by white space. A line of `-DOCSTART-` separates sentences, as an
    empty line does.

    Registered as a `DatasetReader` with name "column_tags".

    # Parameters

    column : `int`, optional (default = `-1`)
        The number of the tags' column, from 0; negative from the end. The word is in column 0.
    encoding : `str`, optional
        `BIO`, `BIOUL` or `BMES`: tags that encode spans in any of the common ways (BIO, IOB1, BIOUL,
        BIOES, BMES) are read as the same spans in this encoding. By default tags stay as they are.
    token_indexers : `Dict[str, TokenIndexer]`, optional
        How the words are indexed; by default as `tokens`, each by its form (`single_id`).
    label_namespace : `str`, optional (default = `"labels"`)
        The vocabulary's namespace for the tags.

    # Raises

    ConfigurationError
        If an option is unknown; when a file is read, if a line lacks the column or a tag encodes no
        span (with file and line number).
    """

    def __init__(
        self,
        column: int = -1,
        encoding: Optional[str] = None,
        token_indexers: Optional[Dict[str, TokenIndexer]] = None,
        label_namespace: str = "labels",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if column == 0:
            raise ConfigurationError(
                "column_tags: column 0 holds the words, found column 0 for tags"
            )
        if encoding is not None and encoding not in LETTERS:
            raise ConfigurationError(
                f"column_tags: encoding must be one of {', '.join(LETTERS)}, found '{encoding}'"
            )
        self.column = column
        self.encoding = encoding
        self.label_namespace = label_namespace
        self._token_indexers = token_indexers or {"tokens": SingleIdTokenIndexer()}

    @overrides
    def _read(self, file_path: str) -> Iterable[Instance]:
        for block in column_blocks(lines_of(file_path)):
            for line in block:
                found = len(line.cells)
                if found < 2 or not -found < self.column < found:
                    raise ConfigurationError(
                        f"{file_path}, line {line.number}: expected a word and a tag in column "
                        f"{self.column}, found {found} columns: {line.text!r}"
                    )
            tags = [line.cells[self.column] for line in block]
            if self.encoding is not None:
                try:
                    tags = recoded(tags, self.encoding)
                except ValueError as error:
                    raise ConfigurationError(
                        f"{file_path}, sentence from line {block[0].number}: {error}"
                    ) from error
            yield self.text_to_instance([Token(line.cells[0]) for line in block], tags)

    @overrides(check_signature=False)
    def text_to_instance(self, tokens: List[Token], tags: Optional[List[str]] = None) -> Instance:
        """
        # Parameters

        tokens : `List[Token]`
            The words of the sentence.
        tags : `List[str]`, optional (default = `None`)
            Their tags, where they are known.

        # Returns

        `Instance`
            With the fields `tokens`, `metadata` (its `words`) and, where known, `tags`.
        """
        return tagged_sentence(tokens, tags, self._token_indexers, self.label_namespace)
