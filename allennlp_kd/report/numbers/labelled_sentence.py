"""The annotated sentences on which models are compared."""

from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance

from allennlp_kd.fields.reader_inputs import unwrapped
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.readers.malformed_lines import fault_of
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence


@dataclass(frozen=True)
class LabelledSentence:
    """
    # Parameters

    sentence : `Sentence`
        What every model is given.
    gold : `DecodedSentence`
    """

    sentence: Sentence
    gold: DecodedSentence


def read_labelled(
    path: str, reader: DatasetReader, structure: str
) -> Tuple[List[LabelledSentence], int]:
    """
    # Parameters

    path : `str`
    reader : `DatasetReader`
        Of one of the models; of a `distillation` reader the one that it wraps.
    structure : `str`
        `chain`: the field `tags` is annotation. `tree`: `head_tags` and `head_indices` are.

    # Returns

    `Tuple[List[LabelledSentence], int]`
        The sentences that have annotation, and the number of those that have none.

    # Raises

    ConfigurationError
        If there is not such a file, the reader cannot read it, no sentence is labeled, or one that is
        has no word.
    """
    if not Path(path).is_file():
        raise ConfigurationError(f"the file {path} to compare on does not exist")
    reader = unwrapped(reader)
    fault = fault_of(reader, path)
    if fault is not None:
        raise ConfigurationError(fault)
    try:
        instances = list(reader.read(path))
    except Exception as error:  # any exception, depending on the archive's reader
        raise ConfigurationError(
            f"{path} cannot be read by the {type(reader).__name__} of the first student: {error}"
        ) from error
    fields = ("tags",) if structure == "chain" else ("head_tags", "head_indices")
    labelled = [each for each in instances if all(name in each.fields for name in fields)]
    if not labelled:
        raise ConfigurationError(
            f"{path} has no labeled sentence: none of the {len(instances)} sentences that the "
            f"{type(reader).__name__} reads has {' and '.join(fields)}"
        )
    found = []
    for number, each in enumerate(labelled, start=1):
        try:
            found.append(_labelled(each, structure))
        except ConfigurationError as error:
            raise ConfigurationError(f"{path}, labeled sentence {number}: {error}") from error
    return found, len(instances) - len(labelled)


def _labelled(instance: Instance, structure: str) -> LabelledSentence:
    if structure == "chain":
        gold = DecodedSentence(tuple(instance["tags"].labels))
    else:
        heads = tuple(int(head) for head in instance["head_indices"].labels)
        gold = DecodedSentence(tuple(instance["head_tags"].labels), heads)
    return LabelledSentence(Sentence.of(instance), gold)
