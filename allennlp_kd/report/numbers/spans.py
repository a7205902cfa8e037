"""Extracts spans from tags."""

from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data.dataset_readers.dataset_utils import span_utils

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence

Part = Tuple[str, Tuple[int, int]]  # a type, and the first and the last word


def bioul_spans(tags: List[str]) -> List[Part]:
    """Like AllenNLP's function for valid sequences. That function raises an error for invalid ones,
    which models without constraints decode. Here a truncated span counts as a span, as in BIO and
    BMES: leaving it out would make a model look better than it is.
    """
    found: List[Part] = []
    open_ = False  # whether the last span may continue
    for word, tag in enumerate(tags):
        kind, _, name = tag.partition("-")
        if kind in ("I", "L") and open_ and found[-1][0] == name:
            found[-1] = (name, (found[-1][1][0], word))
        elif kind != "O":
            found.append((name, (word, word)))
        open_ = kind in ("B", "I")
    return found


SPANS: Dict[str, Callable[[List[str]], List[Part]]] = {
    "BIO": span_utils.bio_tags_to_spans,
    "IOB1": span_utils.iob1_tags_to_spans,
    "BIOUL": bioul_spans,
    "BMES": span_utils.bmes_tags_to_spans,
}
LETTERS = {"BIO": "BIO", "IOB1": "BIO", "BIOUL": "BIOUL", "BMES": "BMESO"}


def parts_of(tags: Sequence[str], encoding: Optional[str]) -> Set[Part]:
    """Returns the spans that the tags encode; without an encoding, each word."""
    if encoding is not None:
        return set(SPANS[encoding](list(tags)))
    return {(tag, (word, word)) for word, tag in enumerate(tags)}


def check_tags(sentences: Sequence[DecodedSentence], encoding: Optional[str], source: str) -> None:
    """
    # Parameters

    sentences : `Sequence[DecodedSentence]`
    encoding : `str`, optional
        What the models were told; without one any tag will do.
    source : `str`
        Whose tags these are, for the error.

    # Raises

    ConfigurationError
        If there is a tag that the encoding does not have, such as a part of speech.
    """
    if encoding is None:
        return
    for number, sentence in enumerate(sentences, start=1):
        for tag in sentence.labels:
            if tag[:1] not in LETTERS[encoding] or tag[1:2] not in ("", "-"):
                raise ConfigurationError(
                    f"the models are configured for {encoding} tags; found '{tag}' in {source}, "
                    f"labeled sentence {number}"
                )
