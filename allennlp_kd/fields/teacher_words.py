"""The words of a sentence for the teacher, if the student has other tokens."""

from typing import NamedTuple, Optional, Tuple

from allennlp.data import Instance
from allennlp.data.fields import MetadataField, TextField

from allennlp_kd.fields.sentence import Sentence

TEACHER_WORDS = "teacher_words"
"""The key in an instance's metadata."""
ALIGNMENT_FIELD = "teacher_alignment"
"""The field that tells the `distillation` model which tokens are which words."""


class TeacherWords(NamedTuple):
    """The corpus's words of a sentence whose instance has other tokens of the same text.

    # Parameters

    sentence : `Sentence`
        The words of the corpus, which the teacher scores.
    aligned : `Tuple[Tuple[int, int], ...]`
        The tokens that are one word, each with this word, in order; both from 0.
    """

    sentence: Sentence
    aligned: Tuple[Tuple[int, int], ...]

    def instance(self) -> Instance:
        """Returns an instance of the sentence, for `Teacher.attach`."""
        metadata = {"words": list(self.sentence.words)}
        if self.sentence.tags is not None:
            metadata["pos"] = list(self.sentence.tags)
        text = TextField(self.sentence.tokens(), {})
        return Instance({"tokens": text, "metadata": MetadataField(metadata)})

    @staticmethod
    def sentence_of(instance: Instance) -> Sentence:
        """Returns the sentence that a teacher scores: the corpus's words, or else the instance's
        tokens.
        """
        own = TeacherWords.of(instance)
        return Sentence.of(instance) if own is None else own.sentence

    @staticmethod
    def of(instance: Instance) -> Optional["TeacherWords"]:
        """Returns the words of an instance; `None` if its tokens are the words of its corpus."""
        metadata = instance.fields.get("metadata")
        return None if metadata is None else metadata.metadata.get(TEACHER_WORDS)
