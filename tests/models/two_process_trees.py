"""The tiny parsing task for `two_processes.py`: a teacher that scores by another parser."""

from typing import Any, Dict, List

import torch

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.teachers.teacher import Teacher
from tests.models.parsing import instances, parser, vocabulary
from tests.models.tagging import tensors

GOLD = ("head_tags", "head_indices")


class ParserTeacher(Teacher):
    """Inputs: what a parser is given of sentences. It must stay a stranger to what is trained."""

    def __init__(self, vocab: Any) -> None:
        torch.manual_seed(1)
        self.parser = parser("biaffine_parser_student", vocab).eval()

    @property
    def structure(self) -> str:
        return "tree"

    @property
    def labels(self) -> List[str]:
        return self.parser.labels

    def potentials(self, inputs: Any) -> Any:
        with torch.no_grad():
            return self.parser.potentials(**inputs)


def distillation() -> Distillation:
    vocab = vocabulary()
    teacher = ParserTeacher(vocab)
    torch.manual_seed(0)
    student = parser("biaffine_parser_student", vocab)
    return Distillation(vocab, student, teacher, objective=Substructured(), alpha=0.3)


def batch(model: Any, rows: List[int], taught: List[int], gold: List[int]) -> Dict[str, Any]:
    every = instances()
    found = tensors(model.vocab, [every[row] for row in rows])
    kept = [place for place, row in enumerate(rows) if row in gold]
    for name in GOLD:
        value = found.pop(name)
        found[name] = {"rows": torch.tensor(kept), "value": value[kept]} if kept else None
    places = [place for place, row in enumerate(rows) if row in taught]
    found["teacher"] = None
    if places:
        value = tensors(model.vocab, [every[rows[place]] for place in places])
        value = {name: part for name, part in value.items() if name not in GOLD}
        found["teacher"] = {"rows": torch.tensor(places), "value": value}
    return found
