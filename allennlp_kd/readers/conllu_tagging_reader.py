"""Reads one of a treebank's columns, such as part-of-speech tags, for a tagger."""

from typing import Dict, Iterable, Iterator, List, Optional, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance, Token, TokenIndexer
from allennlp.data.token_indexers import SingleIdTokenIndexer
from conllu import parse
from conllu.exceptions import ParseException
from overrides import overrides

from allennlp_kd.fields.teacher_words import TEACHER_WORDS
from allennlp_kd.readers.tagged_sentence import tagged_sentence
from allennlp_kd.readers.treebank_tokens import TreebankTokens, words_of_teacher
from allennlp_kd.text_files import line_blocks, lines_of

_COLUMNS = ("upos", "xpos")
_NUM_COLUMNS = 10


@DatasetReader.register("conllu_tagging")
class ConlluTaggingReader(DatasetReader):
    """
    Reads a CoNLL-U file for tagging. The words are the syntactic words (lines whose ID is a plain
    integer; multi-word ranges and empty nodes are left out), and the tags are one of the columns.

    AllenNLP's `universal_dependencies` reads the same files for a parser, with other field names.

    Registered as a `DatasetReader` with name "conllu_tagging".

    # Parameters

    column : `str`, optional (default = `"upos"`)
        The column of the tags: `"upos"` (universal) or `"xpos"` (the treebank's own).
    token_indexers : `Dict[str, TokenIndexer]`, optional
        How the words are indexed; by default as `tokens`, by their text (`single_id`).
    label_namespace : `str`, optional (default = `"labels"`)
        The vocabulary's namespace for the tags.
    tokens : `str`, optional (default = `"words"`)
        `words`: the treebank's syntactic words. `spacy`: the tokens of spaCy's rules for
        `language`, as in a pipeline. A token of several words gets the tag of the word nearest to
        the root; a part of a word gets the word's tag. In a `distillation`, the teacher scores the
        words, and the scores of tokens that are single words are used; other tokens have only the
        gold term. The log reports the counts.
    surface_tokens : `bool`, optional (default = `False`)
        Whether the treebank's multi-word tokens are one token each.
    language : `str`, optional (default = `"en"`)
        The language as spaCy's code, for `tokens: "spacy"`.

    # Raises

    ConfigurationError
        If the column is unknown, or a line is not a line of a CoNLL-U file (with file and line
        number).
    """

    def __init__(
        self,
        column: str = "upos",
        token_indexers: Optional[Dict[str, TokenIndexer]] = None,
        label_namespace: str = "labels",
        tokens: str = "words",
        surface_tokens: bool = False,
        language: str = "en",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        if column not in _COLUMNS:
            raise ConfigurationError(
                f"conllu_tagging: column must be one of {list(_COLUMNS)}, found {column!r}"
            )
        self.column = column
        self.label_namespace = label_namespace
        self._token_indexers = token_indexers or {"tokens": SingleIdTokenIndexer()}
        self._tokens = TreebankTokens(
            "conllu_tagging", tokens, surface_tokens, language, keeps_split=True
        )

    @property
    def treebank_tokens(self) -> Optional[TreebankTokens]:
        """The tokenization of the treebank; `None` if its words are the tokens."""
        return None if self._tokens.are_words else self._tokens

    @overrides
    def _read(self, file_path: str) -> Iterable[Instance]:
        if not self._tokens.are_words:
            yield from self._read_projected(file_path)
            return
        for first_line, sentence in line_blocks(lines_of(file_path)):
            words, tags = self._parse(sentence, str(file_path), first_line)
            if words:
                yield self.text_to_instance([Token(word) for word in words], tags)

    def _read_projected(self, file_path: str) -> Iterator[Instance]:
        for number, projection in enumerate(self._tokens.read(file_path), start=1):
            tags = [getattr(word, self.column) for word in projection.words]
            if None in tags:
                raise ConfigurationError(
                    f"{file_path}, sentence {number}: the word "
                    f"{projection.words[tags.index(None)].form!r} has no {self.column}"
                )
            instance = self.text_to_instance([Token(word.form) for word in projection.words], tags)
            instance["metadata"].metadata[TEACHER_WORDS] = words_of_teacher(projection)
            yield instance

    def _parse(
        self, sentence: List[str], file_path: str, first_line: int
    ) -> Tuple[List[str], List[str]]:
        for number, line in enumerate(sentence, start=first_line):
            found = line.count("\t") + 1
            if not line.startswith("#") and found != _NUM_COLUMNS:
                raise ConfigurationError(
                    f"{file_path}, line {number}: expected {_NUM_COLUMNS} columns with tabs "
                    f"between them, found {found}: {line.rstrip()!r}"
                )
        try:
            parsed = parse("\n".join(sentence) + "\n")
        except ParseException as error:
            raise ConfigurationError(
                f"{file_path}, sentence from line {first_line}: {error}"
            ) from error
        tokens = [token for tree in parsed for token in tree if isinstance(token["id"], int)]
        for token in tokens:
            if token[self.column] is None or token[self.column] == "_":
                raise ConfigurationError(
                    f"{file_path}, sentence from line {first_line}: word {token['id']} "
                    f"({token['form']!r}) has no {self.column}"
                )
        return [token["form"] for token in tokens], [token[self.column] for token in tokens]

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
