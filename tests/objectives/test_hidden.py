import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

from allennlp_kd.objectives.hidden import Hidden, HiddenStates
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.weighted_sum import WeightedSum
from tests.objectives.chains import random_chains

LENGTHS = [3, 1, 0, 5]
PAIRS = [{"student": "encoder", "teacher": 5}, {"student": 0, "teacher": 1}]


def states(padding=float("nan"), student=3, teacher=4, extra=0):
    generator = torch.Generator().manual_seed(0)
    mask = torch.arange(max(LENGTHS) + extra) < torch.tensor(LENGTHS).unsqueeze(1)
    sides = []
    for width, layers in ((student, ("encoder", 0)), (teacher, (5, 1))):
        side = {}
        for layer in layers:
            vectors = torch.randn(len(LENGTHS), max(LENGTHS), width, generator=generator).double()
            vectors = torch.nn.functional.pad(vectors, (0, 0, 0, extra))
            vectors[~mask] = padding
            side[layer] = vectors
        sides.append(side)
    return HiddenStates(*sides)


def built(student=3, teacher=4, **changes) -> Hidden:
    config = {"type": "hidden", "layers": PAIRS, **changes}
    found = Objective.from_params(Params(config).duplicate())
    torch.manual_seed(0)
    found.build({"encoder": student, 0: student}, {5: teacher, 1: teacher})
    if found.learned is not None:
        found.learned.double()
    return found


def loss(found, hidden, padding=0):
    chains = random_chains(LENGTHS, 2, seed=0, padding=padding)
    return found(chains, chains, hidden=hidden)


def word_by_word(found, hidden, distance):
    expected = torch.zeros(len(LENGTHS), dtype=torch.double)
    for place, pair in enumerate(PAIRS):
        for row, length in enumerate(LENGTHS):
            for word in range(length):
                student = hidden.student[pair["student"]][row, word]
                teacher = hidden.teacher[pair["teacher"]][row, word]
                if found.learned is not None:
                    layer = found.learned[place]
                    student = layer.weight @ student + layer.bias
                if distance == "mse":
                    expected[row] += ((student - teacher) ** 2).mean()
                else:
                    norms = student.norm() * teacher.norm()
                    expected[row] += 1 - (student @ teacher) / norms
    return expected


@pytest.mark.parametrize("distance", ["mse", "cosine"])
@pytest.mark.parametrize("projection", ["linear", "identity"])
def test_is_the_sum_over_words_and_pairs(distance, projection):
    width = 4 if projection == "identity" else 3
    found, hidden = built(width, distance=distance, projection=projection), states(student=width)
    expected = word_by_word(found, hidden, distance).detach()
    torch.testing.assert_close(loss(found, hidden).detach(), expected)
    assert float(expected[2]) == 0.0
    longer = loss(found, states(student=width, extra=2), padding=2).detach()
    torch.testing.assert_close(longer, expected)


@pytest.mark.parametrize("distance", ["mse", "cosine"])
def test_is_zero_exactly_where_the_projection_gives_the_teacher(distance):
    found, hidden = built(distance=distance), states()
    for student, teacher, layer in (("encoder", 5, 0), (0, 1, 1)):
        projected = found.learned[layer](hidden.student[student]).detach()
        hidden.teacher[teacher].copy_(projected)
    torch.testing.assert_close(loss(found, hidden), torch.zeros(4).double(), atol=1e-12, rtol=0)


@pytest.mark.parametrize("distance", ["mse", "cosine"])
def test_the_gradient_is_the_student_s_and_the_projection_s(distance):
    found, hidden = built(distance=distance), states(padding=0.0)
    leaves = [each.requires_grad_() for side in hidden for each in side.values()]
    weights = list(found.learned.parameters())

    def of(*tensors):
        student = dict(zip(("encoder", 0), tensors[:2]))
        return loss(found, HiddenStates(student, hidden.teacher)).sum()

    assert torch.autograd.gradcheck(of, leaves[:2])
    of(*leaves[:2]).backward()
    assert all(each.grad is not None for each in leaves[:2])
    assert all(each.grad is None for each in leaves[2:])
    assert all(weight.grad.abs().sum() > 0 for weight in weights)
    # What is NaN in padding reaches no gradient.
    again, padded = built(distance=distance), states()
    loss(again, padded).sum().backward()
    for one, other in zip(again.learned.parameters(), weights):
        torch.testing.assert_close(one.grad, other.grad)


def test_half_precision_is_raised():
    found = built(projection="identity", student=4)
    half = HiddenStates(
        *({layer: v.to(torch.bfloat16) for layer, v in side.items()} for side in states(student=4))
    )
    assert loss(found, half).dtype == torch.float


def test_in_a_sum():
    members = {"hidden": built(), "local": Substructured(), "same": built(4, projection="identity")}
    found = WeightedSum(members, {"hidden": 0.1})
    assert found.needs == {"hidden"} and len(found.layers) == 4
    assert [each.shape for each in found.learned.parameters()] == [(4, 3), (4,)] * 2
    assert WeightedSum({"same": members["same"]}).learned is None
    with pytest.raises(ConfigurationError, match="the student's encoder has 3"):
        found.build({"encoder": 3, 0: 3}, {5: 4, 1: 4})


def test_the_encoders_are_the_default():
    assert Hidden().layers == (("encoder", "encoder"),)
    assert Hidden().learned is None and Hidden().needs == {"hidden"}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"layers": []}, "at least one pair, found none"),
        (
            {"layers": [{"student": 0}]},
            r"exactly the keys 'student' and 'teacher', found \['student'\]",
        ),
        ({"distance": "l1"}, "distance must be one of mse, cosine, found 'l1'"),
        ({"projection": "mlp"}, "projection must be one of linear, identity, found 'mlp'"),
    ],
)
def test_refuses(options, message):
    with pytest.raises(ConfigurationError, match=message):
        Hidden(**options)


def test_identity_needs_one_width():
    match = "of the same width, but the student's encoder has 3 and the teacher's 5 4: use 'linear'"
    with pytest.raises(ConfigurationError, match=match):
        built(projection="identity")
