"""A teacher whose inputs are its scores, and an objective that shows what it is given."""

from typing import List

import torch

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.teacher import Teacher


class FakeTeacher(Teacher):
    """Inputs: `emissions` (rows, length, labels) and `words` (rows,)."""

    def __init__(self, labels: List[str], structure: str = "chain") -> None:
        self._labels, self._structure = labels, structure
        self.calls = 0
        generator = torch.Generator().manual_seed(1)
        self.transitions = torch.randn(len(labels), len(labels), generator=generator)

    @property
    def structure(self):
        return self._structure

    @property
    def labels(self):
        return self._labels

    def potentials(self, inputs):
        self.calls += 1
        emissions = inputs["emissions"]
        mask = torch.arange(emissions.shape[1]) < inputs["words"].unsqueeze(1)
        return ChainPotentials(emissions, mask, self.transitions)


class OpenFakeTeacher(FakeTeacher):
    """Its words' vectors are its emissions."""

    @property
    def provides(self):
        return frozenset({"hidden"})

    def state_widths(self, layers):
        return {layer: len(self._labels) for layer in layers}

    def potentials_and_states(self, inputs, layers):
        return self.potentials(inputs), {layer: inputs["emissions"] for layer in layers}


class SquaredDifference(Objective):
    """The summed squared difference of the emissions, and of the transitions once a sentence."""

    structures = frozenset({"chain"})

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__(temperature)
        self.seen = []

    def __call__(self, student, teacher):
        self.seen.append((student, teacher))
        difference = (student.emissions - teacher.emissions).masked_fill(
            ~student.mask.unsqueeze(-1), 0.0
        )
        transitions = (student.transitions - teacher.transitions).pow(2).sum()
        return difference.pow(2).sum(dim=(1, 2)) + transitions


def teacher_inputs(lengths, num_labels, rows=None, seed=0):
    """What an `OptionalField` gives for a batch; `rows` have inputs, all of them by default."""
    rows = list(range(len(lengths))) if rows is None else rows
    if not rows:
        return None
    generator = torch.Generator().manual_seed(seed)
    emissions = torch.randn(len(lengths), max(lengths), num_labels, generator=generator)
    words = torch.tensor(lengths)[rows]
    value = {"emissions": emissions[rows][:, : int(words.max())], "words": words}
    return {"rows": torch.tensor(rows), "value": value}
