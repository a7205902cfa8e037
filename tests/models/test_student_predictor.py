import torch
from allennlp.models import Model
from allennlp.predictors import Predictor

from allennlp_kd.models.distillation import Distillation
from allennlp_kd.models.student_predictor import StudentPredictor


class FakePredictor(Predictor):
    def __init__(self, model, reader, extra=0):
        super().__init__(model, reader)
        self.extra = extra


Predictor.register("fake-of-a-student")(FakePredictor)


def test_it_stands_for_the_students_own():
    model = Model(vocab=None)
    model.weight = torch.nn.Parameter(torch.zeros(1))  # tells a predictor its device
    make = Predictor.by_name(Distillation.default_predictor)
    assert make == StudentPredictor.of_student
    assert type(make(model, "reader")) is Predictor
    model.default_predictor = "fake-of-a-student"
    found = make(model, "reader", extra=3)
    assert type(found) is FakePredictor and found.extra == 3
