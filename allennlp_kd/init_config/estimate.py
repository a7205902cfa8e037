"""Estimates how long scoring and training will take on this machine from a timed sample."""

import itertools
import time
from typing import Any, Dict, List, NamedTuple

import torch
from allennlp.common import Params
from allennlp.data import Batch, DatasetReader, Vocabulary
from allennlp.models import Model

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.teacher import Teacher

SAMPLE, BATCH = 192, 32  # sentences


class Estimate(NamedTuple):
    """Seconds per word for scoring with the teacher, and for one training pass of the student."""

    scoring: float
    training: float


def estimate(config: Dict[str, Any]) -> Estimate:
    """Times the teacher's scoring and the student's training steps on the first training sentences.

    # Parameters

    config : `Dict[str, Any]`
        The evaluated configuration of a distillation.
    """
    reader_config = config["dataset_reader"]
    paths = config["train_data_path"]
    path = paths["labelled"] if isinstance(paths, dict) else paths
    reader = DatasetReader.from_params(Params(dict(reader_config["reader"])))
    instances = list(itertools.islice(reader.read(path), SAMPLE))
    sentences = [Sentence.of(instance) for instance in instances]
    words = sum(len(sentence.words) for sentence in sentences)
    teacher = Teacher.from_params(Params(dict(config["model"]["teacher"]["teacher"])))
    batches = [sentences[start : start + BATCH] for start in range(0, len(sentences), BATCH)]
    scoring = _seconds(lambda number: teacher.score(batches[number]), len(batches))

    vocab = Vocabulary.from_instances(instances)
    model = Model.from_params(Params(dict(config["model"]["student"])), vocab=vocab)
    for instance in instances:
        reader.apply_token_indexers(instance)
    tensors: List[Any] = []
    for start in range(0, len(instances), BATCH):
        batch = Batch(instances[start : start + BATCH])
        batch.index_instances(vocab)
        tensors.append(batch.as_tensor_dict())
    model.train()

    def step(number: int) -> None:
        model.zero_grad()
        model(**tensors[number])["loss"].backward()

    training = _seconds(step, len(tensors))
    return Estimate(scoring / words, training / words)


def _seconds(work: Any, number: int) -> float:
    """Returns the time of all batches, excluding a first warm-up batch."""
    work(0)
    started = time.perf_counter()
    for each in range(number):
        work(each)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
