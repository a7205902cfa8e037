"""What a teacher is told of a sentence."""

import inspect
import json
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance, Token

TEXT_FIELDS = ("tokens", "words")
TAG_PARAMETERS = ("pos_tags", "upos_tags")
NO_TAG = "_"


@dataclass(frozen=True)
class Sentence:
    """The words of a sentence, and its part-of-speech tags where it has them.

    # Parameters

    words : `Tuple[str, ...]`
    tags : `Tuple[str, ...]`, optional
    """

    words: Tuple[str, ...]
    tags: Optional[Tuple[str, ...]] = None

    @classmethod
    def of(cls, instance: Instance) -> "Sentence":
        """Of a student's instance: its text field, and its tags from `pos_tags` or the metadata.

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
        words = tuple(token.text for token in instance[names[0]].tokens)
        if not words:
            raise ConfigurationError("a sentence must have at least one word, found an empty one")
        tags = None
        if "pos_tags" in instance.fields:
            tags = tuple(instance["pos_tags"].labels)
        elif "metadata" in instance.fields and "pos" in instance["metadata"].metadata:
            tags = tuple(instance["metadata"].metadata["pos"])
        return cls(words, tags)

    def read_by(self, reader: DatasetReader, tags_count: bool = True) -> Instance:
        """The instance that a reader makes of it, from tokens or strings, with tags or without.

        # Parameters

        reader : `DatasetReader`
        tags_count : `bool`, optional (default = `True`)
            Whether the model looks at tags. Where it does not, and the reader wants some all the
            same, it gets `_` for those that are missing.

        # Raises

        ConfigurationError
            If the reader needs tags, and there are none.
        """
        reader = unwrapped(reader)
        parameters = inspect.signature(reader.text_to_instance).parameters
        first = next(iter(parameters.values()))
        strings = "Token" not in str(first.annotation)
        arguments: Dict[str, Any] = {
            first.name: list(self.words) if strings else [Token(word) for word in self.words]
        }
        for name in tag_parameters(reader):
            if self.tags is None and tags_count:
                raise ConfigurationError(
                    f"the teacher's reader {type(reader).__name__} needs {name}, and the sentence "
                    f"'{' '.join(self.words)}' has no part-of-speech tags"
                )
            arguments[name] = list(self.tags or [NO_TAG] * len(self.words))
        return reader.text_to_instance(**arguments)

    @property
    def key(self) -> str:
        """What tells it from other sentences."""
        return json.dumps([self.words, self.tags], ensure_ascii=False)

    def __str__(self) -> str:
        return " ".join(self.words)


def unwrapped(reader: DatasetReader) -> DatasetReader:
    """The reader that a `distillation` reader wraps; any other as it is."""
    while isinstance(getattr(reader, "wrapped", None), DatasetReader):
        reader = reader.wrapped
    return reader


def tag_parameters(reader: DatasetReader) -> List[str]:
    """The parameters by which a reader takes part-of-speech tags, where it needs them."""
    reader = unwrapped(reader)
    parameters = inspect.signature(reader.text_to_instance).parameters
    optional = "pos" in getattr(reader, "feature_labels", ())
    return [
        name
        for name in TAG_PARAMETERS
        if name in parameters and (optional or parameters[name].default is inspect.Parameter.empty)
    ]
