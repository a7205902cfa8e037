"""Prepares the vocabulary of a distilled student: its labels and its embedders' words."""

import logging
from typing import Dict, Optional

from allennlp.common import Lazy
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.models import Model
from allennlp.modules.token_embedders import Embedding

from allennlp_kd.models.student import Student
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.teacher_labels import NAMESPACES, add_teacher_labels

logger = logging.getLogger(__name__)


def take_teacher_labels(
    vocab: Vocabulary,
    student: Lazy[Model],
    teacher: Teacher,
    label_map: Optional[Dict[str, str]] = None,
) -> None:
    """Adds teacher labels that do not occur in the gold to the vocabulary, before the student is
    built.

    So a student that sees few or no gold labels can still predict all labels of its teacher. A
    vocabulary with labels that the teacher lacks is left as it is, for `LabelAlignment` to refuse.
    """
    namespace = student._params.get("label_namespace") or NAMESPACES[teacher.structure]
    known = set(vocab.get_token_to_index_vocabulary(namespace))
    teacher.introduce(sorted(known))
    if known - {(label_map or {}).get(label, label) for label in teacher.labels}:
        return
    added = add_teacher_labels(vocab, teacher, namespace, label_map)
    if added:
        logger.info(
            "%d labels of the teacher that do not occur in the gold were added to the vocabulary: "
            "%s",
            len(added),
            ", ".join(added),
        )


def check_embedders(student: Student) -> None:
    """
    # Raises

    ConfigurationError
        If the vocabulary has no entry in the namespace of one of the student's embedders, so that
        every word would be unknown to it.
    """
    vocab = student.vocab
    special = {vocab._padding_token, vocab._oov_token}
    for name, module in student.named_modules():
        namespace = module._vocab_namespace if isinstance(module, Embedding) else None
        if namespace and not set(vocab.get_token_to_index_vocabulary(namespace)) - special:
            raise ConfigurationError(
                f"the vocabulary has no entries in the namespace '{namespace}' of the embedder "
                f"'{name}', so every word would be unknown to the student: build it from the text "
                "with a vocabulary of type 'from_instances' (the default)"
            )
