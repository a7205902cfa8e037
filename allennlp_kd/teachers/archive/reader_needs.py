"""Finds out which annotation and token attributes an archive's scores depend on."""

from typing import Any, Iterable, List, NamedTuple, Sequence, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance
from allennlp.data.fields import TextField

from allennlp_kd.fields.reader_inputs import PLACEHOLDERS, ReaderInputs
from allennlp_kd.fields.sentence import TAG_PARAMETERS, TOKEN_ATTRIBUTES, Sentence

_WORDS = ("a", "b")


class ReaderNeeds(NamedTuple):
    """
    # Parameters

    annotations : `Tuple[str, ...]`
        Parameters of the reader that change what the model is given, such as `pos_tags`.
    attributes : `Tuple[str, ...]`
        Attributes of tokens that an indexer reads (`feature_name`), which come from the student's
        tokens.
    absent : `Tuple[str, ...]`
        Attributes that an indexer reads and no token has: the reader does not pass them on, or they
        are none that a sentence carries.
    """

    annotations: Tuple[str, ...]
    attributes: Tuple[str, ...]
    absent: Tuple[str, ...]

    @property
    def takes_tags(self) -> bool:
        """Whether the scores depend on part-of-speech tags."""
        return any(name in TAG_PARAMETERS for name in self.annotations)

    @property
    def features(self) -> List[str]:
        """The names of the sentence features that the scores depend on."""
        return [*(n for n in self.annotations if n not in TAG_PARAMETERS), *self.attributes]

    def check(self, sentences: Sequence[Sentence], archive_file: str, reader: str) -> None:
        """Refuses sentences if none of their words has the annotation that the teacher reads.

        An indexer would take its default value for each word, and nobody would know.

        # Parameters

        sentences : `Sequence[Sentence]`
        archive_file, reader : `str`
            The archive and the class of its reader, for errors.

        # Raises

        ConfigurationError
        """
        if self.absent:
            raise ConfigurationError(
                f"the teacher {archive_file} reads {', '.join(self.absent)} of each token (an "
                f"indexer's feature_name), but the tokens of its reader {reader} lack it; the "
                f"student's tokens can provide {', '.join(TOKEN_ATTRIBUTES)}"
            )
        for name in self.attributes if sentences else ():
            if not any(sentence.has(name) for sentence in sentences):
                raise ConfigurationError(
                    f"the teacher {archive_file} reads {name} of each token (an indexer's "
                    f"feature_name), but no token in {len(sentences)} sentences has it (the first "
                    f"sentence is '{sentences[0]}'): the student's reader must provide it"
                )


def reader_needs(inputs: ReaderInputs, fields: Iterable[str], takes_tags: bool) -> ReaderNeeds:
    """Probes a reader with made-up words, and compares its output for different annotation.

    # Parameters

    inputs : `ReaderInputs`
    fields : `Iterable[str]`
        The fields that scores are made of.
    takes_tags : `bool`
        Whether the model may look at part-of-speech tags.
    """
    known = [name for name in inputs.annotations if name in PLACEHOLDERS]
    ignored = () if takes_tags else TAG_PARAMETERS
    annotations = tuple(
        name for name in known if name not in ignored and _changes(inputs, name, tuple(fields))
    )
    attributes, absent = inputs.token_attributes(fields)
    return ReaderNeeds(annotations, attributes, absent)


def _changes(inputs: ReaderInputs, name: str, fields: Tuple[str, ...]) -> bool:
    """Whether another value of an annotation changes a field."""
    given = []
    for value in (PLACEHOLDERS[name], "B-X"):
        values = (value,) * len(_WORDS)
        tags = values if name in TAG_PARAMETERS else None
        features = () if name in TAG_PARAMETERS else ((name, values),)
        try:
            made = inputs.instance_of(Sentence(_WORDS, tags, features))
        except ConfigurationError:
            return True  # real sentences will raise it
        given.append([_content(made, field) for field in fields])
    return given[0] != given[1]


def _content(instance: Instance, name: str) -> Any:
    field = instance.fields.get(name)
    if not isinstance(field, TextField):
        return None if field is None else field.human_readable_repr()
    return [
        [getattr(token, attribute, None) for attribute in ("text", *TOKEN_ATTRIBUTES)]
        for token in field.tokens
    ]
