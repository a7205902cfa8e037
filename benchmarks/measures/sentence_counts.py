"""What a model gets right of each test sentence, so that methods can be compared sentence by sentence."""

from pathlib import Path
from typing import Any, Dict, List

import numpy
from allennlp.data import Instance
from allennlp.models.archival import Archive, load_archive

BATCH_SIZE = 64


def sentence_counts(archive_file: Path, data: str, cuda_device: int = -1) -> numpy.ndarray:
    """Of each sentence of a file how much is right, how much was predicted and how much there is.

    Of a tagger that counts spans, these are spans; of one that does not, words. Of a parser, words that
    stock counts (no punctuation), right where head and label are. So the scores of the file are functions of
    the columns' sums: F1 is `2 right / (predicted + there)`, and accuracy and LAS are that too.

    # Returns

    `numpy.ndarray`
        Shape `(sentences, 3)`, of `uint16`.
    """
    archive = load_archive(str(archive_file), cuda_device=cuda_device)
    archive.model.eval()
    instances = list(archive.validation_dataset_reader.read(data))
    counted: List[List[int]] = []
    for start in range(0, len(instances), BATCH_SIZE):
        batch = instances[start : start + BATCH_SIZE]
        for instance, outputs in zip(batch, archive.model.forward_on_instances(batch)):
            counted.append(_counts(archive, instance, outputs))
    return numpy.array(counted, dtype=numpy.uint16)


def _counts(archive: Archive, instance: Instance, outputs: Dict[str, Any]) -> List[int]:
    if "head_tags" in instance.fields:
        return _arcs(instance, outputs)
    gold, found = instance["tags"].labels, outputs["tags"]
    if not getattr(archive.model, "calculate_span_f1", False):
        right = sum(one == other for one, other in zip(gold, found))
        return [right, len(found), len(gold)]
    convert = _spans_of(archive.model.label_encoding)
    gold_spans, found_spans = set(convert(gold)), set(convert(found))
    return [len(gold_spans & found_spans), len(found_spans), len(gold_spans)]


def _spans_of(encoding: str) -> Any:
    from allennlp.data.dataset_readers.dataset_utils import span_utils

    functions = {
        "BIO": span_utils.bio_tags_to_spans,
        "IOB1": span_utils.iob1_tags_to_spans,
        "BIOUL": span_utils.bioul_tags_to_spans,
        "BMES": span_utils.bmes_tags_to_spans,
    }
    return functions[encoding]


def _arcs(instance: Instance, outputs: Dict[str, Any]) -> List[int]:
    from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
        POS_TO_IGNORE,
    )

    words = [
        (head, label) == (found_head, found_label)
        for head, label, found_head, found_label, tag in zip(
            instance["head_indices"].labels,
            instance["head_tags"].labels,
            outputs["predicted_heads"],
            outputs["predicted_dependencies"],
            instance["pos_tags"].labels,
        )
        if tag not in POS_TO_IGNORE
    ]
    return [sum(words), len(words), len(words)]
