"""The spans that tags encode."""

from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from allennlp.common.checks import ConfigurationError
from allennlp.data.dataset_readers.dataset_utils import span_utils

from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence

Part = Tuple[str, Tuple[int, int]]  # a type, and the first and the last word


def bioul_spans(tags: List[str]) -> List[Part]:
    """Those of whole sequences are stock's. Stock's function raises an error on others, which models
    decode that have no constraints; here a span that is cut off counts as one, as in BIO and BMES:
    left out, it would make a model look better than it is.
    """
    found: List[Part] = []
    open_ = False  # whether the last span may go on
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
    """The spans that tags encode; without an encoding, each word."""
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
                    f"the models were told that tags are {encoding}; found '{tag}' of {source}, "
                    f"labelled sentence {number}"
                )
