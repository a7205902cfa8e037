"""Squared score differences over the tags that the teacher does not forbid."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.chain.folded_nodes import check_tags_exist, folded_nodes
from allennlp_kd.objectives.numerics.huber import huber_loss
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.structs.numerics.log_probabilities import NOTHING


class AllowedTags:
    """Computes the forms of `scores` over the tags that the teacher allows.

    Each word has its own set of tags, so the means are under q = q_1 x .. x q_L with q_i uniform over
    these (or other weights, restricted to them). Where the student forbids a tag of a weight, the
    loss is infinite.

    # Parameters

    student, teacher : `ChainPotentials`
    ends : `bool`, optional (default = `True`)
        Whether start, end and transitions count.
    weights : `Tensor`, optional (default = uniform)
        Shape `(batch, length, tags)`, not negative.

    # Raises

    ValueError
        If the teacher forbids all tags of a word, or transitions: which sequences these leave is no
        matter of single tags.
    """

    def __init__(
        self,
        student: ChainPotentials,
        teacher: ChainPotentials,
        ends: bool = True,
        weights: Optional[Tensor] = None,
    ) -> None:
        if ends and bool((teacher.transitions == NOTHING).any()):
            raise ValueError(
                "match 'scores' can leave out forbidden tags, but the teacher has -inf in its "
                "transitions: use match 'predictions'"
            )
        of_teacher, of_student = folded_nodes(teacher, ends), folded_nodes(student, ends)
        self._mask = student.mask
        words = self._mask.unsqueeze(-1)
        check_tags_exist(of_teacher, self._mask)
        allowed = (of_teacher != NOTHING) & words
        if weights is None:
            weights = torch.ones_like(of_teacher)
        weights = weights.masked_fill(~allowed, 0.0)
        total = weights.sum(-1, keepdim=True)
        self.weights = weights / total.masked_fill(total == 0, 1.0)
        nothing = self.weights == 0
        self.nodes = of_student.masked_fill(nothing, 0.0) - of_teacher.masked_fill(nothing, 0.0)
        self.edges = student.transitions - teacher.transitions
        lacking = (of_student == NOTHING) & ~nothing
        self._infinite = lacking.flatten(1).any(1)
        if ends and bool((student.transitions == NOTHING).any()):
            before, after = self._neighbors(~nothing)
            moves = (student.transitions == NOTHING).to(self.weights.dtype)
            reached = (before.to(moves.dtype) @ moves) * after
            self._infinite |= (reached > 0).flatten(1).any(1)
            self.edges = self.edges.masked_fill(student.transitions == NOTHING, 0.0)
        self.nodes = self.nodes.masked_fill(lacking, 0.0)

    def _neighbors(self, of_words: Tensor) -> Tuple[Tensor, Tensor]:
        return of_words[:, :-1], of_words[:, 1:]

    def _finished(self, losses: Tensor) -> Tensor:
        return losses.masked_fill(self._infinite, float("inf"))

    def emission_scores(self, huber: Optional[float] = None) -> Tensor:
        """Like `emission_scores`; shape `(batch,)`."""
        return self._finished((self.weights * huber_loss(self.nodes, huber)).sum((1, 2)))

    def raw_scores(self) -> Tensor:
        """Like `raw_scores`: E(n + t)^2 = E n^2 + 2 E(n E t) + E t^2 for each edge."""
        losses = (self.weights * self.nodes.square()).sum((1, 2))
        before, after = self._neighbors(self.weights)
        both = 2 * (before @ self.edges) * self.nodes[:, 1:] + before @ self.edges.square()
        return self._finished(losses + (both * after).sum((1, 2)))

    def centred_scores(self, huber: Optional[float] = None) -> Tensor:
        """The variance under q; with f_i and r_i the main effects and interactions of

            f_i(y)     = n_i(y) + E_{q_{i-1}}[t(., y)] + E_{q_{i+1}}[t(y, .)],
            r_i(y', y) = t(y', y) - E_{q_i}[t(y', .)] - E_{q_{i-1}}[t(., y)] + E[t],

        it is sum_i Var_{q_i}(f_i) + sum_{i>1} E[r_i^2]. O(length * tags^2), in matrix products.
        """
        edges = self.edges
        # The remainder does not depend on these means, and is numerically small without them.
        rest = edges - edges.mean(1, keepdim=True) - edges.mean(0) + edges.mean()
        before, after = self._neighbors(self.weights)
        nodes = self.nodes.clone()
        nodes[:, 1:] = nodes[:, 1:] + before @ edges
        nodes[:, :-1] = nodes[:, :-1] + after @ edges.t()
        nodes = nodes - (self.weights * nodes).sum(-1, keepdim=True)
        words = (self.weights * huber_loss(nodes, huber)).sum((1, 2))
        columns, rows = before @ rest, after @ rest.t()
        means = (columns * after).sum(-1)
        if huber is not None:
            return self._finished(words + self._huber_of_rests(rest, columns, rows, means, huber))
        squares = (before @ rest.square() - columns.square()) * after
        return self._finished(
            words
            + squares.sum((1, 2))
            - (before * rows.square()).sum((1, 2))
            + means.square().sum(1)
        )

    def _huber_of_rests(
        self, rest: Tensor, columns: Tensor, rows: Tensor, means: Tensor, huber: float
    ) -> Tensor:
        """The Huber loss of all r_i, one table at a time; shape `(batch,)`."""
        losses = self.weights.new_zeros(self._mask.shape[0])
        for step in range(self._mask.shape[1] - 1):
            table = rest - rows[:, step].unsqueeze(2) - columns[:, step].unsqueeze(1)
            table = huber_loss(table + means[:, step, None, None], huber)
            drawn = self.weights[:, step].unsqueeze(2) * self.weights[:, step + 1].unsqueeze(1)
            losses = losses + (drawn * table).sum((1, 2))
        return losses
