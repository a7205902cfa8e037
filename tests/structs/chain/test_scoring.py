import pytest
import torch

from allennlp_kd.structs.chain import ChainPotentials, log_partition, nll, score
from tests.structs.chain import enumeration
from tests.structs.chain.enumeration import INFINITY, gradients, random_potentials, rebuild


def random_tags(potentials, seed=0, padded_value=0):
    generator = torch.Generator().manual_seed(seed)
    tags = torch.randint(potentials.num_tags, potentials.mask.shape, generator=generator)
    return tags.masked_fill(~potentials.mask, padded_value)


def enumerated(potentials, tags):
    found = []
    for row in range(potentials.batch_size):
        words = int(potentials.mask[row].sum())
        index = enumeration.all_sequences(potentials, row).index(tuple(tags[row, :words].tolist()))
        found.append(enumeration.all_scores(potentials, row)[index])
    return torch.stack(found)


@pytest.mark.parametrize("num_tags", range(1, 6))
@pytest.mark.parametrize("with_ends", [False, True])
@pytest.mark.parametrize("padded_value", [0, -100, 10**6])
def test_score_is_that_of_the_enumerated_sequence(num_tags, with_ends, padded_value):
    potentials = random_potentials(num_tags, num_tags, with_ends=with_ends)
    tags = random_tags(potentials, padded_value=padded_value)
    value, expected = score(potentials, tags), enumerated(potentials, tags)
    torch.testing.assert_close(value, expected)
    for found, wanted in zip(gradients(value, potentials), gradients(expected, potentials)):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_nll_is_the_logarithm_of_the_sequence_s_share(scale):
    potentials = random_potentials(1, 4, scale=scale)
    tags = random_tags(potentials)
    value = nll(potentials, tags)
    expected = enumeration.log_partition(potentials) - enumerated(potentials, tags)
    torch.testing.assert_close(value, expected, rtol=1e-10, atol=1e-10)
    for found, wanted in zip(gradients(value, potentials), gradients(expected, potentials)):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_nll_gradients_against_finite_differences(scale):
    potentials = random_potentials(2, 3, (3, 1, 0), scale=scale, padded_value=0.0)
    tags = random_tags(potentials)

    def function(*scores):
        return nll(rebuild(potentials, scores), tags)

    assert torch.autograd.gradcheck(function, enumeration.leaves(potentials))
    assert torch.autograd.gradgradcheck(function, enumeration.leaves(potentials))


def test_probabilities_of_all_sequences_sum_to_one():
    potentials = random_potentials(3, 3, (4,), scale=2.0)
    sequences = torch.tensor(enumeration.all_sequences(potentials, 0))
    tags = torch.cat([sequences, torch.zeros(len(sequences), 1, dtype=torch.long)], dim=1)
    many = potentials.select_rows(torch.zeros(len(sequences), dtype=torch.long))
    assert (-nll(many, tags)).exp().sum().item() == pytest.approx(1.0)


def test_a_forbidden_sequence_has_an_infinite_nll():
    transitions = torch.tensor([[0.0, -INFINITY], [0.0, 0.0]], requires_grad=True)
    emissions = torch.zeros(3, 3, 2)
    # Nothing can pass the last sentence.
    emissions[2, 1] = -INFINITY
    potentials = ChainPotentials(
        emissions.requires_grad_(), torch.ones(3, 3, dtype=torch.bool), transitions
    )
    value = nll(potentials, torch.tensor([[1, 1, 0], [0, 1, 1], [0, 0, 0]]))
    assert torch.isfinite(value[0]) and value[1:].tolist() == [INFINITY, INFINITY]
    assert all(torch.isfinite(found).all() for found in gradients(value, potentials))


@pytest.mark.parametrize("shape", [(2, 3), (0, 3), (2, 0)])
def test_batches_without_words(shape):
    potentials = ChainPotentials(
        torch.randn(*shape, 3),
        torch.zeros(shape, dtype=torch.bool),
        torch.randn(3, 3),
        torch.ones(3),
    )
    tags = torch.zeros(shape, dtype=torch.long)
    assert score(potentials, tags).tolist() == nll(potentials, tags).tolist() == [0.0] * shape[0]


def test_half_precision_is_raised():
    potentials = random_potentials(4, 3, dtype=torch.float16)
    value = nll(potentials, random_tags(potentials))
    assert value.dtype == torch.float32
    assert value[0] <= log_partition(potentials)[0] - score(potentials, random_tags(potentials))[0]


@pytest.mark.parametrize(
    "change, message",
    [
        (
            lambda tags: tags[:, :3],
            r"tags must have the shape \(7, 7\) of the mask, found \(7, 3\)",
        ),
        (lambda tags: tags.float(), "tags must be integers, found torch.float32"),
        (
            lambda tags: tags.index_fill(0, torch.tensor([2]), 3),
            r"in \[0, 3\), found 3 at word 0 of row 2",
        ),
        (lambda tags: tags - 3, r"tags must be in \[0, 3\), found -\d at word 0 of row 0"),
    ],
)
def test_bad_tags_are_refused(change, message):
    potentials = random_potentials(5, 3)
    tags = random_tags(potentials)
    with pytest.raises(ValueError, match=message):
        score(potentials, change(tags))
