"""Detects part-of-speech tags of another tag set than the teacher's."""

from allennlp.common.checks import ConfigurationError
from allennlp.data import Instance, Vocabulary

from allennlp_kd.fields.reader_inputs import NO_TAG


def check_tags(instance: Instance, vocab: Vocabulary, archive_file: str) -> None:
    """Refuses tags of another tag set. A rare tag may be unknown to the teacher, but not all tags,
    except `_`, which stands for missing tags.

    # Parameters

    instance : `Instance`
        As the teacher's reader has made it.
    vocab : `Vocabulary`
        The teacher's.
    archive_file : `str`
        For errors.

    # Raises

    ConfigurationError
        If a sentence has several tags, or has `_` for all, and the teacher knows none of them.
    """
    if "pos_tags" not in instance.fields:
        return
    field = instance["pos_tags"]
    known = vocab.get_token_to_index_vocabulary(field._label_namespace)
    found = sorted(set(field.labels))
    none_known = not any(tag in known for tag in found)
    if none_known and (len(found) > 1 or found == [NO_TAG]):
        raise ConfigurationError(
            f"the teacher {archive_file} knows none of the part-of-speech tags "
            f"{', '.join(found[:6])}; it knows {', '.join(sorted(known)[:6])}, ...: the "
            "student's reader must provide tags of that set"
        )
