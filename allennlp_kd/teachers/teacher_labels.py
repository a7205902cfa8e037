"""Adds the teacher's labels to a student's vocabulary."""

from typing import Dict, Iterable, List, Optional, Union

from allennlp.data import Instance, Vocabulary

from allennlp_kd.teachers.teacher import Teacher

NAMESPACES = {"chain": "labels", "tree": "head_tags"}
"""The namespace of a student's labels, by the teacher's structure."""


def add_teacher_labels(
    vocab: Vocabulary,
    teacher: Teacher,
    namespace: Optional[str] = None,
    label_map: Optional[Dict[str, str]] = None,
) -> List[str]:
    """Adds the teacher's labels that a vocabulary lacks; existing labels keep their indices.

    # Parameters

    vocab : `Vocabulary`
    teacher : `Teacher`
    namespace : `str`, optional
        The default is `labels` for taggers and `head_tags` for parsers.
    label_map : `Dict[str, str]`, optional
        The student's name for some of the teacher's labels.

    # Returns

    `List[str]`
        The labels that were added.
    """
    namespace = namespace or NAMESPACES[teacher.structure]
    known = dict(vocab.get_token_to_index_vocabulary(namespace))
    teacher.introduce(list(known))
    renamed = [(label_map or {}).get(label, label) for label in teacher.labels]
    added = [label for label in dict.fromkeys(renamed) if label not in known]
    vocab.add_tokens_to_namespace(added, namespace)
    return added


@Vocabulary.register("with_teacher_labels", constructor="with_teacher_labels")
class VocabularyWithTeacherLabels(Vocabulary):
    """A vocabulary of all words in the training text, and of the teacher's labels.

    It works like AllenNLP's `from_instances`, with most of its parameters, and then adds the
    teacher's labels that do not occur in the gold.

    The model `distillation` does the same by default (`labels: "same"`). This vocabulary is for
    other cases: a student with `labels: "shared"`, or a plain student that should have the same
    labels as its distilled counterpart.

    # Parameters

    teacher : `Teacher`
        As in the model's configuration.
    label_namespace : `str`, optional
        The default is `labels` for taggers and `head_tags` for parsers.
    min_count, max_vocab_size, pretrained_files, min_pretrained_embeddings, tokens_to_add
        As AllenNLP's `from_instances` has them.
    instances
        Given by `allennlp train`, not by configurations.
    """

    @classmethod
    def with_teacher_labels(
        cls,
        instances: Iterable[Instance],
        teacher: Teacher,
        label_namespace: Optional[str] = None,
        min_count: Optional[Dict[str, int]] = None,
        max_vocab_size: Optional[Union[int, Dict[str, int]]] = None,
        pretrained_files: Optional[Dict[str, str]] = None,
        min_pretrained_embeddings: Optional[Dict[str, int]] = None,
        tokens_to_add: Optional[Dict[str, List[str]]] = None,
    ) -> "VocabularyWithTeacherLabels":
        """The registered constructor; see the class."""
        vocab = cls.from_instances(
            instances,
            min_count=min_count,
            max_vocab_size=max_vocab_size,
            pretrained_files=pretrained_files,
            min_pretrained_embeddings=min_pretrained_embeddings,
            tokens_to_add=tokens_to_add,
        )
        add_teacher_labels(vocab, teacher, label_namespace)
        return vocab
