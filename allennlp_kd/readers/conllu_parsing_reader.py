"""Reads a treebank for a parser in the tokens of a spaCy pipeline."""

from typing import Any, Dict, Iterable, List, Optional, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Field, Instance, Token, TokenIndexer
from allennlp.data.fields import MetadataField, SequenceLabelField, TextField
from allennlp.data.token_indexers import SingleIdTokenIndexer
from overrides import overrides

from allennlp_kd.fields.teacher_words import TEACHER_WORDS
from allennlp_kd.readers.treebank_tokens import WITHOUT_GOLD, TreebankTokens, words_of_teacher


@DatasetReader.register("conllu_parsing")
class ConlluParsingReader(DatasetReader):
    """Reads a CoNLL-U file for parsing with the fields of AllenNLP's `universal_dependencies`,
    optionally in the tokens of a spaCy pipeline.

    A French treebank splits "au" into "à le"; a spaCy pipeline has other tokens.
    The annotation is projected to them: a token of several words gets the head and the label of the
    word nearest to the root. A sentence with a word that spans several tokens is left out; the log
    reports the counts. In a `distillation`, the teacher scores the treebank's words, and the scores
    of arcs between tokens that are single words are projected. There, a sentence with a word that
    spans several tokens is kept for the teacher's term and has no gold.

    # Parameters

    token_indexers : `Dict[str, TokenIndexer]`, optional
        How the tokens are indexed; by default as `tokens`, by their text (`single_id`).
    use_language_specific_pos : `bool`, optional (default = `False`)
        Whether to read the treebank's language-specific part-of-speech tags instead of the
        universal ones.
    tokens : `str`, optional (default = `"words"`)
        `words`: the treebank's syntactic words. `spacy`: the tokens of spaCy's rules for `language`.
    surface_tokens : `bool`, optional (default = `False`)
        Whether the treebank's multi-word tokens are one token each.
    language : `str`, optional (default = `"en"`)
        The language as spaCy's code, for `tokens: "spacy"`.

    # Raises

    ConfigurationError
        If an option is not allowed; while reading, if a line is not of CoNLL-U or a word has no head or
        no label (with file and line number).
    """

    def __init__(
        self,
        token_indexers: Optional[Dict[str, TokenIndexer]] = None,
        use_language_specific_pos: bool = False,
        tokens: str = "words",
        surface_tokens: bool = False,
        language: str = "en",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._token_indexers = token_indexers or {"tokens": SingleIdTokenIndexer()}
        self._pos = "xpos" if use_language_specific_pos else "upos"
        self._tokens = TreebankTokens(
            "conllu_parsing", tokens, surface_tokens, language, keeps_split=False
        )

    @property
    def treebank_tokens(self) -> Optional[TreebankTokens]:
        """The tokenization of the treebank; `None` if its words are the tokens."""
        return None if self._tokens.are_words else self._tokens

    @overrides
    def _read(self, file_path: str) -> Iterable[Instance]:
        for number, projection in enumerate(self._tokens.read(file_path), start=1):
            for word in projection.words:
                if word.head is None or word.deprel is None:
                    raise ConfigurationError(
                        f"{file_path}, sentence {number}: the word '{word.form}' must have a head and a "
                        f"label, found {word.head} and {word.deprel}"
                    )
            instance = self.text_to_instance(
                [word.form for word in projection.words],
                [getattr(word, self._pos) or "_" for word in projection.words],
                [(str(word.deprel), int(word.head or 0)) for word in projection.words],
            )
            metadata = instance["metadata"].metadata
            metadata[TEACHER_WORDS] = words_of_teacher(projection, self._pos)
            metadata[WITHOUT_GOLD] = not self._tokens.has_gold(projection)
            yield instance

    @overrides(check_signature=False)
    def text_to_instance(
        self,
        words: List[str],
        upos_tags: List[str],
        dependencies: Optional[List[Tuple[str, int]]] = None,
    ) -> Instance:
        """
        # Parameters

        words : `List[str]`
        upos_tags : `List[str]`
        dependencies : `List[Tuple[str, int]]`, optional
            The label and the head of each word; heads count from 1, 0 is ROOT.

        # Returns

        `Instance`
            With the fields of AllenNLP's `universal_dependencies`.
        """
        text = TextField([Token(word) for word in words], self._token_indexers)
        fields: Dict[str, Field] = {
            "words": text,
            "pos_tags": SequenceLabelField(upos_tags, text, label_namespace="pos"),
        }
        if dependencies is not None:
            labels, heads = zip(*dependencies)
            fields["head_tags"] = SequenceLabelField(list(labels), text, "head_tags")
            fields["head_indices"] = SequenceLabelField(list(heads), text, "head_index_tags")
        fields["metadata"] = MetadataField({"words": words, "pos": upos_tags})
        return Instance(fields)
