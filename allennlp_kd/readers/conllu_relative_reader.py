"""Reads a treebank for a tagger that parses (parsing as sequence labeling)."""

from typing import Any, Dict, Iterable, List, Optional

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Field, Instance, Token, TokenIndexer
from allennlp.data.fields import MetadataField, SequenceLabelField, TextField
from allennlp.data.token_indexers import SingleIdTokenIndexer
from overrides import overrides

from allennlp_kd.fields.relative_tags import tags_of, tree_of
from allennlp_kd.readers.treebank_text import TreebankSentence, sentences


@DatasetReader.register("conllu_relative_heads")
class ConlluRelativeReader(DatasetReader):
    """Reads a CoNLL-U file for parsing as sequence labeling: each word's tag gives the position of
    its head and the label of the arc (`relative_tags.tags_of`). Multi-word ranges and empty nodes
    are left out.

    The metadata contains the part-of-speech tags as in AllenNLP's `universal_dependencies`, for a
    parser teacher that needs them.

    # Parameters

    token_indexers : `Dict[str, TokenIndexer]`, optional
        How the words are indexed; by default as `tokens`, by their text (`single_id`).
    use_language_specific_pos : `bool`, optional (default = `False`)
        Whether to read the treebank's language-specific part-of-speech tags instead of the
        universal ones.
    label_namespace : `str`, optional (default = `"labels"`)
        The vocabulary's namespace for the tags.

    # Raises

    ConfigurationError
        While reading, if a line is not CoNLL-U or a word has no head or no label (with file and line
        number).
    """

    def __init__(
        self,
        token_indexers: Optional[Dict[str, TokenIndexer]] = None,
        use_language_specific_pos: bool = False,
        label_namespace: str = "labels",
        **kwargs,
    ) -> None:
        super().__init__(**kwargs)
        self._token_indexers = token_indexers or {"tokens": SingleIdTokenIndexer()}
        self._pos = "xpos" if use_language_specific_pos else "upos"
        self._label_namespace = label_namespace

    @overrides
    def _read(self, file_path: str) -> Iterable[Instance]:
        for sentence in sentences(file_path):
            yield self._instance(sentence)

    def _instance(self, sentence: TreebankSentence) -> Instance:
        heads, labels = [], []
        for number, word in enumerate(sentence.words, start=1):
            if word.head is None or word.deprel is None:
                raise ConfigurationError(
                    f"{sentence.where}: word {number} ('{word.form}') must have a head and a label, "
                    f"found {word.head} and {word.deprel}"
                )
            heads.append(word.head)
            labels.append(word.deprel)
        return self.text_to_instance(
            [Token(word.form) for word in sentence.words],
            tags_of(heads, labels),
            [getattr(word, self._pos) or "_" for word in sentence.words],
        )

    @overrides(check_signature=False)
    def text_to_instance(
        self,
        tokens: List[Token],
        tags: Optional[List[str]] = None,
        pos: Optional[List[str]] = None,
    ) -> Instance:
        """
        # Parameters

        tokens : `List[Token]`
        tags : `List[str]`, optional
            As `relative_tags.tags_of` makes them.
        pos : `List[str]`, optional
            Part-of-speech tags, for a teacher.
        """
        text = TextField(tokens, self._token_indexers)
        metadata: Dict[str, Any] = {"words": [token.text for token in tokens]}
        if pos is not None:
            metadata["pos"] = pos
        fields: Dict[str, Field] = {"tokens": text, "metadata": MetadataField(metadata)}
        if tags is not None:
            fields["tags"] = SequenceLabelField(tags, text, self._label_namespace)
        return Instance(fields)

    @staticmethod
    def to_conllu(words: List[str], tags: List[str]) -> str:
        """Formats a sentence as CoNLL-U with the tree that its tags encode, repaired where
        necessary.
        """
        heads, labels = tree_of(tags)
        lines = [
            f"{number}\t{word}\t_\t_\t_\t_\t{head}\t{label}\t_\t_\n"
            for number, (word, head, label) in enumerate(zip(words, heads, labels), start=1)
        ]
        return "".join(lines) + "\n"
