"""The words that a teacher scores, where they are not the student's tokens."""

from typing import NamedTuple, Optional, Tuple

from allennlp.data import Instance
from allennlp.data.fields import MetadataField, TextField

from allennlp_kd.fields.sentence import Sentence

TEACHER_WORDS = "teacher_words"
"""Where an instance's metadata has them."""
ALIGNMENT_FIELD = "teacher_alignment"
"""The field that tells the `distillation` model which tokens are which words."""


class TeacherWords(NamedTuple):
    """A sentence in the words of its corpus, beside an instance with other tokens of the same text.

    # Parameters

    sentence : `Sentence`
        The words of the corpus, which the teacher scores.
    aligned : `Tuple[Tuple[int, int], ...]`
        The tokens that are one word, each with this word, in order; both from 0.
    """

    sentence: Sentence
    aligned: Tuple[Tuple[int, int], ...]

    def instance(self) -> Instance:
        """An instance of the sentence, for `Teacher.attach`."""
        metadata = {"words": list(self.sentence.words)}
        if self.sentence.tags is not None:
            metadata["pos"] = list(self.sentence.tags)
        text = TextField(self.sentence.tokens(), {})
        return Instance({"tokens": text, "metadata": MetadataField(metadata)})

    @staticmethod
    def sentence_of(instance: Instance) -> Sentence:
        """What a teacher scores of a student's instance: its words of the corpus, or else its tokens."""
        own = TeacherWords.of(instance)
        return Sentence.of(instance) if own is None else own.sentence

    @staticmethod
    def of(instance: Instance) -> Optional["TeacherWords"]:
        """Those of an instance; `None` where its tokens are the words of its corpus."""
        metadata = instance.fields.get("metadata")
        return None if metadata is None else metadata.metadata.get(TEACHER_WORDS)
