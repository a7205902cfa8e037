import pytest
import torch

from allennlp_kd.structs.chain import (
    ChainPotentials,
    log_node_marginals,
    log_partition,
    with_marginals,
)
from tests.structs.chain.enumeration import random_potentials

MASK = torch.tensor([[True, True, True], [True, False, False]])


def build(**changes):
    scores = dict(emissions=torch.zeros(2, 3, 4), mask=MASK, transitions=torch.zeros(4, 4))
    return ChainPotentials(**{**scores, **changes})


@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"emissions": torch.zeros(2, 3)},
            r"emissions must be .* found torch.float32 of shape \(2, 3\)",
        ),
        ({"emissions": torch.zeros(2, 3, 4).long()}, "emissions must be .* found torch.int64"),
        ({"emissions": torch.zeros(2, 3, 0)}, "at least one tag, found 0"),
        (
            {"marginals": torch.zeros(2, 3, 5)},
            r"marginals must have the shape \(2, 3, 4\) of the emissions, found \(2, 3, 5\)",
        ),
        (
            {"transitions": torch.zeros(4, 3)},
            r"transitions must have the shape \(4, 4\) .* \(4, 3\)",
        ),
        ({"start": torch.zeros(5)}, r"start must have the shape \(4,\) .* \(5,\)"),
        ({"end": torch.zeros(1, 4)}, r"end must have the shape \(4,\) .* \(1, 4\)"),
        ({"mask": MASK.long()}, "mask must be boolean .* found torch.int64"),
        ({"mask": MASK[:, :2]}, r"mask must be boolean of shape \(2, 3\).* \(2, 2\)"),
        ({"mask": ~MASK}, r"words followed by padding; row 1 is \[0, 1, 1\]"),
    ],
)
def test_bad_potentials_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        build(**changes)


def test_start_and_end_are_zeros_by_default():
    potentials = build()
    assert potentials.start.tolist() == potentials.end.tolist() == [0.0] * 4
    assert (potentials.batch_size, potentials.num_tags) == (2, 4)
    assert potentials.lengths.tolist() == [3, 1]


def test_tempering_divides_all_scores():
    potentials = random_potentials(1, num_tags=3, padded_value=0.0)
    tempered = potentials.tempered(4.0)
    for name in ("emissions", "transitions", "start", "end"):
        torch.testing.assert_close(getattr(tempered, name) * 4.0, getattr(potentials, name))
    assert potentials.tempered(1) is potentials
    with pytest.raises(ValueError, match="greater than 0, found -1"):
        potentials.tempered(-1)


def test_permuted_tags_have_the_same_partition():
    potentials = random_potentials(2, num_tags=4)
    permuted = potentials.select_tags([2, 0, 3, 1])
    torch.testing.assert_close(log_partition(permuted), log_partition(potentials))
    assert permuted.transitions[0, 1] == potentials.transitions[2, 0]
    assert permuted.start[3] == potentials.start[1]


def test_selected_rows_keep_their_partition():
    potentials = random_potentials(3, num_tags=3)
    rows = torch.tensor([4, 0])
    selected = potentials.select_rows(rows)
    torch.testing.assert_close(log_partition(selected), log_partition(potentials)[rows])


def test_detached_potentials_carry_no_gradient():
    potentials = random_potentials(4, num_tags=2)
    assert log_partition(potentials).requires_grad
    assert not log_partition(potentials.detach()).requires_grad


def test_marginals_are_carried_along():
    plain = random_potentials(0, 3)
    potentials = with_marginals(plain)
    marginals, words = potentials.marginals, plain.mask
    assert plain.marginals is None and not marginals.requires_grad
    torch.testing.assert_close(marginals, log_node_marginals(plain).exp().detach())
    assert (marginals[~words] == 0).all()
    assert potentials.tempered(2.0).marginals is marginals
    assert torch.equal(potentials.detach().marginals, marginals)
    rows = torch.tensor([2, 0])
    assert torch.equal(potentials.select_rows(rows).marginals, marginals[rows])
    assert torch.equal(potentials.first_words(2).marginals, marginals[:, :2])
    assert potentials.first_words(2).mask.shape[1] == 2
    assert potentials.first_words(words.shape[1]) is potentials
    for derived in (plain.select_rows(rows), plain.first_words(2), plain.select_tags([0])):
        assert derived.marginals is None


def test_marginals_of_selected_tags_are_renormalized():
    potentials = with_marginals(random_potentials(0, 3))
    found = potentials.select_tags([2, 0]).marginals
    kept = potentials.marginals[..., [2, 0]]
    words = potentials.mask
    torch.testing.assert_close(found[words], (kept / kept.sum(-1, keepdim=True))[words])
    sure = build(marginals=torch.eye(4)[torch.zeros(2, 3, dtype=torch.long)])
    nothing = sure.select_tags([1, 3]).marginals
    assert torch.equal(nothing, torch.full((2, 3, 2), 0.5))
