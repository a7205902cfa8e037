"""A label field that knows the file it was read from."""

from typing import Any

from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.data.fields import SequenceLabelField
from overrides import overrides


class GoldLabelField(SequenceLabelField):
    """A `SequenceLabelField` whose error names the file if the vocabulary lacks a label.

    # Parameters

    field : `SequenceLabelField`
        As its reader has made it.
    source : `Any`
        The path of the file.
    """

    __slots__ = ["source"]

    def __init__(self, field: SequenceLabelField, source: Any) -> None:
        super().__init__(field.labels, field.sequence_field, field._label_namespace)
        self.source = source

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        """
        # Raises

        ConfigurationError
            If the vocabulary lacks a label.
        """
        try:
            super().index(vocab)
        except KeyError as error:
            namespace = self._label_namespace
            known = vocab.get_token_to_index_vocabulary(namespace)
            unknown = next(label for label in self.labels if label not in known)
            words = " ".join(token.text for token in getattr(self.sequence_field, "tokens", ()))
            raise ConfigurationError(
                f"{self.source} has the label '{unknown}', which is not in the model's vocabulary "
                f"(namespace '{namespace}': {', '.join(known) or 'nothing'}); the sentence is "
                f"'{words}'. Correct or leave out such sentences, or train on data that has the "
                "label"
            ) from error
