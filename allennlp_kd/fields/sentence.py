"""The words and annotation of a sentence, as a teacher gets them."""

import json
from dataclasses import dataclass
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance, Token

TEXT_FIELDS = ("tokens", "words")
TAG_PARAMETERS = ("pos_tags", "upos_tags")
"""The names that readers use for part-of-speech tags."""
TOKEN_ATTRIBUTES = ("lemma_", "pos_", "tag_", "dep_", "ent_type_")
"""Token attributes besides the text, for an indexer with a `feature_name`."""
FEATURE_FIELDS = ("chunk_tags", "ner_tags")
"""Annotation that column readers provide as features (`feature_labels`)."""

Features = Tuple[Tuple[str, Tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Sentence:
    """The words of a sentence and the annotation that a reader has given to them.

    # Parameters

    words : `Tuple[str, ...]`
    tags : `Tuple[str, ...]`, optional
        Part-of-speech tags.
    features : `Tuple[Tuple[str, Tuple], ...]`, optional
        Pairs of a name, one of `TOKEN_ATTRIBUTES` or `FEATURE_FIELDS`, and a value for each word.
    """

    words: Tuple[str, ...]
    tags: Optional[Tuple[str, ...]] = None
    features: Features = ()

    @classmethod
    def of(cls, instance: Instance) -> "Sentence":
        """Builds it from a student's instance: its text field with the tokens' attributes, its tags
        from `pos_tags` or the metadata, and the fields that are features.

        # Raises

        ConfigurationError
            If the instance has no text field, or no word.
        """
        names = [name for name in TEXT_FIELDS if name in instance.fields]
        if not names:
            raise ConfigurationError(
                f"an instance must have its words in a field {' or '.join(TEXT_FIELDS)}, "
                f"found {', '.join(instance.fields)}"
            )
        tokens = instance[names[0]].tokens
        words = tuple(token.text for token in tokens)
        if not words:
            raise ConfigurationError("a sentence must have at least one word, found an empty one")
        tags = None
        if "pos_tags" in instance.fields:
            tags = tuple(instance["pos_tags"].labels)
        elif "metadata" in instance.fields and "pos" in instance["metadata"].metadata:
            tags = tuple(instance["metadata"].metadata["pos"])
        fields = [name for name in FEATURE_FIELDS if name in instance.fields]
        features = [(name, tuple(instance[name].labels)) for name in fields]
        return cls(words, tags, (*_attributes(tokens), *features))

    def annotation(self, name: str) -> Optional[Tuple[Any, ...]]:
        """Returns a value for each word: the tags (by one of `TAG_PARAMETERS`) or a feature; `None`
        if absent.
        """
        return self.tags if name in TAG_PARAMETERS else dict(self.features).get(name)

    def has(self, name: str) -> bool:
        """Whether any word has a non-empty value of this name."""
        return any(self.annotation(name) or ())

    def tokens(self) -> List[Token]:
        """The words as AllenNLP tokens with their attributes."""
        attributes = {name: values for name, values in self.features if name in TOKEN_ATTRIBUTES}
        return [
            Token(word, **{name: values[place] for name, values in attributes.items()})
            for place, word in enumerate(self.words)
        ]

    @property
    def key(self) -> str:
        """A key that identifies the words and tags."""
        return json.dumps([self.words, self.tags], ensure_ascii=False)

    def key_with(self, features: Sequence[str]) -> str:
        """Like `key`, but including features of these names; without names it equals `key`."""
        if not features:
            return self.key
        found = {name: self.annotation(name) for name in sorted(features)}
        return json.dumps([self.words, self.tags, found], ensure_ascii=False)

    def __str__(self) -> str:
        return " ".join(self.words)


def _attributes(tokens: Sequence[Any]) -> Iterator[Tuple[str, Tuple[Any, ...]]]:
    for name in TOKEN_ATTRIBUTES:
        values = tuple(getattr(token, name, None) for token in tokens)
        if any(value is not None for value in values):
            yield name, values
