"""What the teacher forbids is left out of scores; what is no score is named."""

import pytest
import torch
from torch.testing import assert_close

from allennlp_kd.objectives.chain.weighted_scores import product_weights
from allennlp_kd.objectives.substructured import Substructured
from tests.objectives.chains import random_chains, sequence_scores
from tests.structs.tree.enumeration import random_potentials

NOTHING = float("-inf")
CHAIN_FORMS = ("emissions", "raw", "centred", "weighted")
TREE_FORMS = ("raw", "centred", "weighted")


def scores(form, **options):
    if form == "weighted":
        options.setdefault("mix", 1.0)
    return Substructured(match="scores", form=form, **options)


def chain_pair(lengths=(4, 1, 2), tags=3):
    return [random_chains(list(lengths), tags, seed=seed) for seed in (0, 1)]


def tree_pair():
    return [random_potentials([3, 1], labels=3, seed=seed) for seed in (0, 1)]


class TestChains:
    def test_centred_is_the_variance_over_the_sequences_that_are_left(self):
        student, teacher = chain_pair()
        teacher.emissions[0, 1, 0] = teacher.emissions[2, 0, 2] = NOTHING
        teacher.start[1] = teacher.end[2] = NOTHING
        found, weighted = (scores(form)(student, teacher) for form in ("centred", "weighted"))
        for row in range(3):
            of_teacher = sequence_scores(teacher, row)
            allowed = of_teacher > NOTHING
            difference = sequence_scores(student, row)[allowed] - of_teacher[allowed]
            assert_close(found[row], difference.var(unbiased=False))
        assert_close(weighted, found)
        large = scores("centred", huber=1e6)(student, teacher)
        assert_close(large, found)
        assert (scores("centred", huber=0.1)(student, teacher) < found)[[0, 2]].all()

    def test_weights_are_those_of_the_tags_that_are_left(self):
        student, teacher = chain_pair()
        teacher.emissions[0, 1, 0] = NOTHING
        weights = product_weights(student, teacher, 1.0, "student")
        found = scores("weighted", mix_with="student")(student, teacher)
        expected = weights[0].clone()
        expected[1, 0] = 0
        expected[1] = expected[1] / expected[1].sum()
        of_teacher = sequence_scores(teacher, 0)
        drawn = torch.ones(1, dtype=torch.double)
        for word in range(4):
            drawn = (drawn.unsqueeze(1) * expected[word]).flatten()
        kept = drawn > 0
        difference = sequence_scores(student, 0)[kept] - of_teacher[kept]
        mean = (drawn[kept] * difference).sum()
        assert_close(found[0], (drawn[kept] * (difference - mean) ** 2).sum())

    def test_raw_and_emissions_are_means_over_the_cells_that_are_left(self):
        student, teacher = chain_pair((2,))
        teacher.emissions[0, 0, 1] = NOTHING
        difference = student.emissions[0] - teacher.emissions[0]
        expected = difference[0, [0, 2]].square().mean() + difference[1].square().mean()
        assert_close(scores("emissions")(student, teacher)[0], expected)
        first = (difference[0] + student.start - teacher.start)[[0, 2]]
        second = difference[1] + student.end - teacher.end
        table = (second + student.transitions - teacher.transitions)[[0, 2]]
        expected = first.square().mean() + table.square().mean()
        assert_close(scores("raw")(student, teacher)[0], expected)

    @pytest.mark.parametrize("form", CHAIN_FORMS)
    def test_gradients(self, form):
        student, teacher = chain_pair((2, 1))
        teacher.emissions[0, 0, 1] = NOTHING

        def loss(emissions, transitions):
            return scores(form)(type(student)(emissions, student.mask, transitions), teacher)

        emissions = student.emissions.masked_fill(~student.mask.unsqueeze(2), 0.0)
        leaves = [leaf.requires_grad_() for leaf in (emissions, student.transitions)]
        assert torch.autograd.gradcheck(loss, leaves)

    @pytest.mark.parametrize("form", CHAIN_FORMS)
    def test_a_student_that_forbids_what_the_teacher_does_not(self, form):
        student, teacher = chain_pair()
        student.emissions[0, 1, 0] = NOTHING
        found = scores(form)(student, teacher)
        assert found[0] == float("inf") and torch.isfinite(found[1:]).all()
        teacher.emissions[0, 1, 0] = NOTHING
        assert torch.isfinite(scores(form)(student, teacher)).all()
        if form != "emissions":
            student.transitions[0, 1] = NOTHING
            found = scores(form)(student, teacher)
            assert torch.isinf(found).tolist() == [True, False, True]

    @pytest.mark.parametrize("form", CHAIN_FORMS[1:])
    def test_forbidden_transitions_are_refused(self, form):
        student, teacher = chain_pair()
        teacher.transitions[0, 1] = NOTHING
        with pytest.raises(ValueError, match="-inf in its transitions: use match 'predictions'"):
            scores(form)(student, teacher)
        assert torch.isfinite(scores("emissions")(student, teacher)).all()

    @pytest.mark.parametrize("form", CHAIN_FORMS)
    def test_a_word_without_a_tag(self, form):
        student, teacher = chain_pair()
        teacher.emissions[2, 1] = NOTHING
        with pytest.raises(
            ValueError, match="forbids all tags of word 2 of sentence 2 of the batch"
        ):
            scores(form)(student, teacher)

    @pytest.mark.parametrize("form", CHAIN_FORMS)
    @pytest.mark.parametrize("value", ["nan", "inf"])
    def test_what_is_no_score_is_named(self, form, value):
        student, teacher = chain_pair()
        teacher.emissions[0, 1, 0] = float(value)
        message = f"the teacher has {value} in its emissions: a score must be a number, or -inf"
        with pytest.raises(ValueError, match=message):
            scores(form)(student, teacher)


class TestTrees:
    @pytest.mark.parametrize("form", TREE_FORMS)
    def test_forbidden_arcs_and_labels_are_left_out(self, form):
        """The same as of a sentence in which they are not there."""
        student, teacher = (random_potentials([2], labels=2, seed=seed) for seed in (0, 1))
        teacher.arcs[0, 0, 0] = NOTHING
        wide = [side.spread_labels([0, 2], 3) for side in (student, teacher)]
        found = scores(form)(*wide)
        total = torch.zeros((), dtype=torch.double)
        for word, heads in ((0, [2]), (1, [0, 1])):
            arcs = (student.arcs - teacher.arcs)[0, word, heads]
            labels = (student.labels - teacher.labels)[0, word, heads]
            if form == "raw":
                total = total + arcs.square().mean() + labels.square().mean()
            else:
                total = total + (arcs.unsqueeze(1) + labels).var(unbiased=False)
        assert_close(found[0], total)

    @pytest.mark.parametrize("form", TREE_FORMS)
    @pytest.mark.parametrize("factored", [False, True])
    def test_gradients_are_finite(self, form, factored):
        options = {"labels": 2, "factored": factored, "padding": 0.0}
        student, teacher = (random_potentials([3, 1], seed=seed, **options) for seed in (0, 1))
        teacher = teacher.spread_labels([0, 2], 3)
        teacher.arcs[0, 0, 2] = NOTHING
        leaves = [tensor.requires_grad_() for tensor in student.tensors()]
        losses = scores(form)(student.spread_labels([0, 2], 3), teacher)
        assert torch.isfinite(losses).all()
        for gradient in torch.autograd.grad(losses.sum(), leaves):
            assert torch.isfinite(gradient).all()

    def test_labels_that_are_forbidden_on_heads_without_a_weight(self):
        student, teacher = tree_pair()
        worst = int(teacher.arcs[0, 1, [0, 1, 3]].argmin())
        teacher.labels[0, 1, [0, 1, 3][worst], 1] = NOTHING
        leaf = student.labels.requires_grad_()
        objective = scores("centred", heads="best", best=1, parts="labels")
        losses = objective(student, teacher)
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
        assert torch.isfinite(losses).all() and torch.isfinite(gradient[0]).all()

    @pytest.mark.parametrize("form", TREE_FORMS)
    def test_a_student_that_forbids_what_the_teacher_does_not(self, form):
        for name, place in (("arcs", (0, 0, 2)), ("labels", (0, 0, 2, 1))):
            student, teacher = tree_pair()
            getattr(student, name)[place] = NOTHING
            found = scores(form)(student, teacher)
            assert found[0] == float("inf") and torch.isfinite(found[1])
            getattr(teacher, name)[place] = NOTHING
            again = type(teacher)(teacher.arcs, teacher.mask, teacher.labels)
            assert torch.isfinite(scores(form)(student, again)).all()

    @pytest.mark.parametrize("form", TREE_FORMS)
    def test_a_word_without_a_head_and_an_arc_without_a_label(self, form):
        student, teacher = tree_pair()
        teacher.arcs[0, 1] = NOTHING
        with pytest.raises(ValueError, match="forbids all heads of word 2 of sentence 0"):
            scores(form)(student, teacher)
        student, teacher = tree_pair()
        teacher.labels[0, 1, 3] = NOTHING
        with pytest.raises(
            ValueError, match="row 0 forbids all labels of the arc from head 3 to w"
        ):
            scores(form)(student, teacher)

    @pytest.mark.parametrize("form", TREE_FORMS)
    @pytest.mark.parametrize("where", ["arcs", "labels"])
    @pytest.mark.parametrize("value", ["nan", "inf"])
    def test_what_is_no_score_is_named(self, form, where, value):
        student, teacher = tree_pair()
        getattr(teacher, where)[0, 0, 0] = float(value)
        message = f"the teacher has {value} in its {where}: a score must be a number, or -inf"
        with pytest.raises(ValueError, match=message):
            scores(form)(student, teacher)


@pytest.mark.parametrize("form", CHAIN_FORMS)
@pytest.mark.parametrize("padding", [0, 1])
def test_transitions_that_no_sentence_has_may_be_forbidden(form, padding):
    student, teacher = (random_chains([1, 1], 2, seed=seed, padding=padding) for seed in (0, 1))
    student.transitions[0, 1] = NOTHING
    leaf = student.transitions.requires_grad_()
    losses = scores(form)(student, teacher)
    assert torch.isfinite(losses).all()
    if losses.requires_grad:
        (gradient,) = torch.autograd.grad(losses.sum(), leaf, allow_unused=True)
        assert gradient is None or (gradient == 0).all()


def test_padding_may_be_anything():
    student, teacher = chain_pair((3, 1))
    teacher.emissions[~teacher.mask] = NOTHING
    assert torch.isfinite(Substructured(match="scores")(student, teacher)).all()


def test_a_student_that_diverged_is_not_the_teachers_fault():
    student, teacher = chain_pair()
    student.emissions[0, 0, 0] = float("nan")
    assert Substructured(match="scores")(student, teacher).isnan().any()
