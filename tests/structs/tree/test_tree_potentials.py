import pytest
import torch

from allennlp_kd.structs.tree import FactoredLabels, TreePotentials
from tests.structs.tree.enumeration import random_potentials
from tests.structs.tree.near import assert_near

LENGTHS = [4, 1, 0, 3]


def both_forms(extra=0):
    factored = random_potentials(LENGTHS, labels=5, factored=True, extra=extra)
    parts = factored.labels
    # Shape: (batch, length, length + 1, labels)
    dense = (
        torch.einsum("bhd,kde,bce->bchk", parts.head, parts.weight, parts.dependent) + parts.bias
    )
    return factored, TreePotentials(factored.arcs, factored.mask, dense)


class TestCells:
    def test_diagonal_padding_and_nothing_else_is_no_arc(self):
        potentials = random_potentials([2, 1, 0])
        expected = torch.tensor(
            [[[1, 0, 1], [1, 1, 0]], [[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]]
        ).bool()
        assert torch.equal(potentials.arc_mask, expected)
        assert torch.equal(potentials.arc_scores == float("-inf"), ~expected)
        assert torch.equal(potentials.arc_scores[expected], potentials.arcs[expected])

    def test_sizes(self):
        potentials = random_potentials(LENGTHS, labels=5)
        assert (potentials.batch_size, potentials.max_length, potentials.num_labels) == (4, 4, 5)
        assert potentials.lengths.tolist() == LENGTHS
        assert potentials.without_labels().num_labels == 0


class TestLabelScores:
    def test_factored_are_those_of_bilinear(self):
        torch.manual_seed(0)
        bilinear = torch.nn.Bilinear(4, 3, 6).double()
        head, dependent = torch.randn(2, 6, 4).double(), torch.randn(2, 5, 3).double()
        labels = FactoredLabels(head, dependent, bilinear.weight, bilinear.bias)
        expected = bilinear(
            head.unsqueeze(1).expand(2, 5, 6, 4).contiguous(),
            dependent.unsqueeze(2).expand(2, 5, 6, 3).contiguous(),
        )
        assert_near(labels.of_all(), expected)
        assert_near(labels.of_all(1, 3), expected[:, 1:3])
        heads = torch.randint(0, 6, (2, 5))
        index = heads[:, :, None, None].expand(2, 5, 1, 6)
        assert_near(labels.of_heads(heads), expected.gather(2, index).squeeze(2))

    @pytest.mark.parametrize("form", [0, 1])
    def test_of_heads_are_cells_of_all(self, form):
        potentials = both_forms()[form]
        heads = torch.tensor([[2, 0, 4, 1], [0] * 4, [0] * 4, [0, 1, 2, 0]])
        index = heads[:, :, None, None].expand(-1, -1, 1, 5)
        cells = potentials.label_scores().gather(2, index).squeeze(2)
        mask = potentials.mask
        assert_near(potentials.label_scores_of(heads)[mask], cells[mask])

    def test_both_forms_are_equal_and_free_of_nan(self):
        factored, dense = both_forms(extra=2)
        arcs = factored.arc_mask
        assert_near(factored.label_scores()[arcs], dense.label_scores()[arcs])
        for potentials in (factored, dense):
            assert not torch.isnan(potentials.label_scores()).any()
            assert not torch.isnan(potentials.label_scores(1, 2)).any()

    def test_nan_in_padding_reaches_no_gradient(self):
        parts = random_potentials(LENGTHS, labels=5, factored=True).labels
        leaves = [
            part.requires_grad_()
            for part in (parts.head, parts.dependent, parts.weight, parts.bias)
        ]
        potentials = random_potentials(LENGTHS)
        potentials = TreePotentials(potentials.arcs, potentials.mask, FactoredLabels(*leaves))
        potentials.label_scores()[potentials.arc_mask].pow(2).sum().backward()
        for leaf in leaves:
            assert not torch.isnan(leaf.grad).any()
            assert leaf.grad.abs().sum() > 0


class TestMethods:
    @pytest.mark.parametrize("form", [0, 1])
    def test_select_labels_and_back(self, form):
        potentials = both_forms()[form]
        arcs = potentials.arc_mask
        selected = potentials.select_tags([3, 0])
        assert_near(selected.label_scores()[arcs], potentials.label_scores()[arcs][:, [3, 0]])
        spread = selected.spread_labels([3, 0], 5).label_scores()[arcs]
        assert_near(spread[:, [0, 3]], potentials.label_scores()[arcs][:, [0, 3]])
        assert (spread[:, [1, 2, 4]] == float("-inf")).all()
        assert potentials.spread_labels(range(5), 5) is potentials

    @pytest.mark.parametrize("form", [0, 1])
    def test_tempered(self, form):
        potentials = both_forms()[form]
        arcs, tempered = potentials.arc_mask, potentials.tempered(4.0)
        assert_near(tempered.arc_scores[arcs], potentials.arc_scores[arcs] / 4)
        assert_near(tempered.label_scores()[arcs], potentials.label_scores()[arcs] / 4)
        assert potentials.tempered(1) is potentials

    @pytest.mark.parametrize("form", [0, 1])
    def test_select_rows_and_first_words(self, form):
        potentials = both_forms(extra=1)[form]
        part = potentials.select_rows(torch.tensor([3, 1])).first_words(3)
        assert part.lengths.tolist() == [3, 1]
        expected = potentials.label_scores()[[3, 1]][:, :3, :4]
        assert_near(part.label_scores()[part.arc_mask], expected[part.arc_mask])
        assert torch.equal(part.arc_scores, potentials.arc_scores[[3, 1]][:, :3, :4])
        assert part.first_words(3) is part

    @pytest.mark.parametrize("form", [0, 1])
    def test_detach_and_tensors(self, form):
        potentials = both_forms()[form]
        for tensor in potentials.tensors():
            tensor.requires_grad_()
        assert len(list(potentials.tensors())) == (2 if form else 5)
        assert potentials.label_scores().requires_grad and potentials.arc_scores.requires_grad
        detached = potentials.detach()
        assert not any(tensor.requires_grad for tensor in detached.tensors())


MASK = torch.ones(2, 3, dtype=torch.bool)
ARCS = torch.zeros(2, 3, 4)


class TestErrors:
    @pytest.mark.parametrize(
        "arcs, mask, labels, message",
        [
            (torch.zeros(2, 3, 3), MASK, None, r"arcs .*\(2, 3, 3\)"),
            (ARCS.long(), MASK, None, "arcs .*int64"),
            (ARCS, MASK.long(), None, "mask must be boolean .*int64"),
            (ARCS, MASK[:, :2], None, r"mask .*\(2, 3\).*\(2, 2\)"),
            (ARCS, torch.tensor([[1, 1, 0], [1, 0, 1]]).bool(), None, r"row 1 is \[1, 0, 1\]"),
            (ARCS, MASK, torch.zeros(2, 3, 3, 5), r"labels .*\(2, 3, 3, 5\)"),
            (ARCS, MASK, torch.zeros(2, 3, 4, 0), "at least one label, found 0"),
        ],
    )
    def test_constructor(self, arcs, mask, labels, message):
        with pytest.raises(ValueError, match=message):
            TreePotentials(arcs, mask, labels)

    def test_factors_of_other_words(self):
        labels = FactoredLabels(
            torch.zeros(2, 3, 5), torch.zeros(2, 2, 5), torch.zeros(4, 5, 5), torch.zeros(4)
        )
        with pytest.raises(ValueError, match=r"factors of \(2, 3\) words, found \(2, 2\)"):
            TreePotentials(ARCS, MASK, labels)

    @pytest.mark.parametrize(
        "name, shape",
        [("head", (2, 3, 5)), ("dependent", (2, 3)), ("bias", (3,)), ("weight", (4, 5))],
    )
    def test_factors(self, name, shape):
        parts = {"head": (2, 4, 5), "dependent": (2, 3, 6), "weight": (4, 5, 6), "bias": (4,)}
        parts[name] = shape
        with pytest.raises(ValueError, match=f"^{name} must"):
            FactoredLabels(**{part: torch.zeros(size) for part, size in parts.items()})

    def test_temperature(self):
        with pytest.raises(ValueError, match="temperature must be greater than 0, found 0"):
            TreePotentials(ARCS, MASK).tempered(0)

    def test_labels_of_arcs_without_labels(self):
        with pytest.raises(ValueError, match="no label scores"):
            TreePotentials(ARCS, MASK).label_scores()
        with pytest.raises(ValueError, match=r"labels \[1\] cannot be selected"):
            TreePotentials(ARCS, MASK).select_labels([1])
