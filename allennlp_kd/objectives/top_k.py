"""The `top_k` objective: likelihood of the teacher's k best structures."""

from typing import Any, List, Optional, Tuple, Union

import torch
from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor

from allennlp_kd.objectives.objective import Objective
from allennlp_kd.structs import tree
from allennlp_kd.structs.chain import ChainPotentials, k_best, log_partition, score
from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.log_probabilities import log_normalized
from allennlp_kd.structs.numerics.pairs import check_alike
from allennlp_kd.structs.tree import TreePotentials


@Objective.register("top_k")
class TopK(Objective):
    """The student's negative log-likelihood of the teacher's k best structures, weighted.

        sum_j w_j * (log Z_S - score_S(y_j)),    y_1, ..., y_k the teacher's best.

    Sequence-level distillation with pseudo-gold (Kim and Rush, "Sequence-level knowledge
    distillation", 2016). The student's partition function is computed once for all k.

    A sentence has tags^length sequences. Where these are fewer than k, those that are not there
    have no weight: probabilities are renormalized over those that are, weights of a list stay as
    they are given. The teacher's constraints bind its decoding alone and are not looked at.

    Trees have one word on ROOT, and labels where both sides have them: two trees that differ in a
    label alone are two of the k. They cost a search for the best and two for each other one, see
    `structs.tree.k_best`.

    # Parameters

    k : `int`, optional (default = `3`, or the number of weights)
        How many structures; fewer where a sentence has no more.
    weights : `str` or `List[float]`, optional (default = `"probability"`)
        `probability`: the teacher's probabilities, which sum to 1 over the k. Or one weight for
        each, best first: `[1, 0.1, 0.1]` is what the code of Efficient-KD (Lin et al., 2022) has.
    temperature : `float`, optional (default = `1.0`)
        Divides the teacher's scores before their probabilities are taken. The likelihood is that of
        pseudo-gold, so it is not tempered, and there is no factor.

    # Raises

    ConfigurationError
        If k is less than 1; weights has none of its forms, is not as long as k, has a negative
        weight or no positive one; or a temperature is given beside a list of weights.
    """

    def __init__(
        self,
        k: Optional[int] = None,
        weights: Union[str, List[float]] = "probability",
        temperature: float = 1.0,
    ) -> None:
        super().__init__(temperature)
        if k is not None and k < 1:
            raise ConfigurationError(f"k must be at least 1, found {k}")
        self._weights: Optional[List[float]] = None
        if isinstance(weights, str):
            if weights != "probability":
                raise ConfigurationError(
                    f"weights must be 'probability' or a list of numbers, found '{weights}'"
                )
            self._k = 3 if k is None else k
        else:
            self._weights = [float(weight) for weight in weights]
            good = all(0 <= weight < float("inf") for weight in self._weights)
            if not good or not any(self._weights):
                raise ConfigurationError(
                    f"weights must be at least 0, and one of them more, found {list(weights)}"
                )
            self._k = len(self._weights) if k is None else k
            if self._k != len(self._weights):
                raise ConfigurationError(
                    f"k is {k}, but weights has {len(self._weights)}: {list(weights)}"
                )
            if temperature != 1:
                raise ConfigurationError(
                    f"temperature {temperature} is for weights 'probability', found {list(weights)}"
                )

    @overrides
    def check(self, structure: str, num_labels: int) -> None:
        if structure == "chain" and num_labels == 1 and self._k > 1:
            raise ConfigurationError(
                f"k is {self._k}, but with 1 label a sentence has 1 sequence of labels"
            )

    @exact
    @overrides(check_signature=False)
    def __call__(self, student: Any, teacher: Any) -> Tensor:
        check_alike(student, teacher)
        if isinstance(student, ChainPotentials):
            weights, found = self._of_chains(student, teacher)
            total = log_partition(student)
        else:
            weights, found = self._of_trees(student, teacher)
            total = tree.log_partition(student)
        # The student's score of a structure that is not there means nothing.
        found = (weights * found.masked_fill(weights == 0, 0.0)).sum(1)
        # Where the student forbids every structure its sum is -inf too.
        total = total.masked_fill(torch.isneginf(total), 0.0)
        return weights.sum(1) * total - found

    def _of_chains(
        self, student: ChainPotentials, teacher: ChainPotentials
    ) -> Tuple[Tensor, Tensor]:
        """The weights and the student's scores of the teacher's best, both `(batch, k)`."""
        with torch.no_grad():
            # Shapes: (batch, k, length) and (batch, k)
            tags, scores = k_best(teacher, self._k)
            weights = self._weights_of(scores)
        rows = torch.arange(student.batch_size, device=tags.device).repeat_interleave(self._k)
        found = score(student.select_rows(rows), tags.flatten(0, 1))
        return weights, found.view_as(weights)

    def _of_trees(self, student: TreePotentials, teacher: TreePotentials) -> Tuple[Tensor, Tensor]:
        """As `_of_chains`; tree by tree, so that the student's label scores are not repeated."""
        if student.labels is None:
            teacher = teacher.without_labels()
        # Shapes: (batch, k, length), the same or None, and (batch, k)
        heads, labels, scores = tree.k_best_trees(teacher, self._k)
        found = [
            tree.score(student, heads[:, place], None if labels is None else labels[:, place])
            for place in range(self._k)
        ]
        return self._weights_of(scores), torch.stack(found, dim=1)

    def _weights_of(self, scores: Tensor) -> Tensor:
        """Shape `(batch, k)`, 0 where there is no structure.

        # Raises

        ValueError
            If the teacher forbids every structure of a sentence.
        """
        impossible = torch.isneginf(scores[:, 0])
        if bool(impossible.any()):
            row = int(impossible.nonzero()[0])
            raise ValueError(
                f"the teacher forbids every structure of sentence {row} of the batch, so it has no "
                "best one"
            )
        if self._weights is None:
            return log_normalized(scores / self.temperature).exp()
        weights = scores.new_tensor(self._weights).expand_as(scores)
        return weights.masked_fill(torch.isneginf(scores), 0.0)
