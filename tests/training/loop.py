"""A trainer over prepared batches of the tiny tagging task."""

from typing import Any, Dict, List, Optional

import torch
from allennlp.training import Checkpointer, GradientDescentTrainer, TrainerCallback

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.objective import Objective
from tests.models.fake_teacher import OpenFakeTeacher, SquaredDifference, teacher_inputs
from tests.models.tagging import SENTENCES, instances, tagger, tensors, vocabulary


class Batches(list):
    """As much of a `DataLoader` as a trainer uses."""

    def set_target_device(self, device: torch.device) -> None:
        pass


def distillation(alpha: float = 0.5, objective: Optional[Objective] = None) -> Distillation:
    vocab = vocabulary()
    torch.manual_seed(0)
    student = tagger("crf_tagger_student", vocab, label_encoding="BIO")
    objective = objective or SquaredDifference()
    return Distillation(
        vocab, student, OpenFakeTeacher(student.labels), objective=objective, alpha=alpha
    )


def batch(model: Distillation, rows: List[int]) -> Dict[str, Any]:
    found = tensors(model.vocab, [instances()[row] for row in rows])
    lengths = [len(SENTENCES["BIO"][row][0].split()) for row in rows]
    every = teacher_inputs([6, 2, 1, 7], len(model.student.labels))["value"]
    emissions = every["emissions"][rows][:, : max(lengths)]
    value = {"emissions": emissions, "words": every["words"][rows]}
    found["teacher"] = {"rows": torch.arange(len(rows)), "value": value}
    return found


def train(
    model: torch.nn.Module,
    directory: str,
    batches: List[List[int]],
    callbacks: List[TrainerCallback],
    epochs: int = 1,
    validation: Optional[List[List[int]]] = None,
    accumulate: int = 1,
    save_every: Optional[int] = None,
) -> Dict[str, Any]:
    trainer = GradientDescentTrainer(
        model,
        torch.optim.SGD(model.parameters(), lr=0.05),
        Batches(batch(model, rows) for rows in batches),
        validation_data_loader=validation and Batches(batch(model, rows) for rows in validation),
        num_epochs=epochs,
        serialization_dir=directory,
        checkpointer=Checkpointer(directory, save_every_num_batches=save_every),
        callbacks=callbacks,
        num_gradient_accumulation_steps=accumulate,
        cuda_device=-1,
    )
    return trainer.train()
