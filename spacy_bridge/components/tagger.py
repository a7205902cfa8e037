"""The component that sets tags or universal parts of speech."""

from typing import Any, Dict, Iterable, List, Tuple

import numpy
from spacy.attrs import POS, TAG
from spacy.language import Language
from spacy.parts_of_speech import IDS
from spacy.scorer import Scorer
from spacy.tokens import Doc
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_bridge.components.student_pipe import StudentPipe, one_of
from spacy_bridge.components.units import Unit
from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.packaged_student import PackagedStudent

DEFAULT_CONFIG = {"attribute": "tag", "max_words": 500, "threads": 1}
WHITESPACE = {"tag": "_SP", "pos": "SPACE"}


class StudentTagger(StudentPipe):
    """Sets `token.tag_`, or `token.pos_`, from a student's tags.

    # Parameters

    attribute : `str`
        `tag` or `pos`. Whitespace gets `_SP` or `SPACE`, as in spaCy's own pipelines.
    """

    def __init__(
        self, vocab: Vocab, name: str, attribute: str, max_words: int, threads: int
    ) -> None:
        super().__init__(vocab, name, max_words, threads, attribute=attribute)
        self.attribute = one_of(f"{name}: attribute", attribute, tuple(WHITESPACE))

    def _check(self, student: PackagedStudent) -> None:
        unknown = [label for label in student.labels if label not in IDS]
        if self.attribute == "pos" and unknown:
            raise PackageError(
                f"the component '{self.name}' sets universal parts of speech, but its student has "
                f"other tags: {', '.join(unknown[:10])}; set attribute to 'tag'"
            )

    def _labels_of(self, student: PackagedStudent) -> List[str]:
        return [*student.labels, WHITESPACE[self.attribute]]

    def _set(self, doc: Doc, results: List[Tuple[Unit, Any]]) -> None:
        numbers = IDS if self.attribute == "pos" else self._numbers
        values = numpy.full(len(doc), numbers[WHITESPACE[self.attribute]], numpy.uint64)
        for unit, tags in results:
            values[unit.places] = [numbers[tag] for tag in tags]
        doc.from_array([POS if self.attribute == "pos" else TAG], values.reshape(-1, 1))

    def score(self, examples: Iterable[Example], **kwargs: Any) -> Dict[str, Any]:
        return Scorer.score_token_attr(examples, self.attribute, **kwargs)


@Language.factory(
    "kd_tagger",
    assigns=["token.tag"],
    default_config=DEFAULT_CONFIG,
    default_score_weights={"tag_acc": 1.0, "pos_acc": 0.0},
)
def make_tagger(
    nlp: Language, name: str, attribute: str, max_words: int, threads: int
) -> StudentTagger:
    """Sets `token.tag_` or `token.pos_`; see `StudentTagger`."""
    return StudentTagger(nlp.vocab, name, attribute, max_words, threads)


@Language.factory(
    "kd_pos_tagger",
    assigns=["token.pos"],
    default_config={**DEFAULT_CONFIG, "attribute": "pos"},
    default_score_weights={"tag_acc": 0.0, "pos_acc": 1.0},
)
def make_pos_tagger(
    nlp: Language, name: str, attribute: str, max_words: int, threads: int
) -> StudentTagger:
    """Like `kd_tagger`, but declares to spaCy's analysis that it sets `token.pos`."""
    return StudentTagger(nlp.vocab, name, attribute, max_words, threads)
