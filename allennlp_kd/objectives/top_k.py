"""The `top_k` objective: the student's likelihood of the teacher's k best structures."""

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
    """The weighted negative log-likelihood of the teacher's k best structures.

        sum_j w_j * (log Z_S - score_S(y_j)),    y_1, ..., y_k the teacher's best.

    This is sequence-level distillation with pseudo-gold (Kim and Rush, "Sequence-level knowledge
    distillation", 2016). The student's partition function is computed once for all k.

    A sentence has tags^length sequences. If these are fewer than k, missing ones have no weight:
    probabilities are renormalized over the existing ones, and a list of weights is used as given.
    The teacher's constraints apply only to its decoding and are ignored.

    Trees have one word on ROOT, and labels if both models have them: trees that differ in one label
    count as different. The search takes one run for the best tree and two for each further one; see
    `structs.tree.k_best`.

    # Parameters

    k : `int`, optional (default = `3`, or the number of weights)
        The number of structures; fewer if a sentence has fewer.
    weights : `str` or `List[float]`, optional (default = `"probability"`)
        `probability`: the teacher's probabilities, normalized over the k structures. Or one weight
        for each, best first: the code of Efficient-KD (Lin et al., 2022) uses `[1, 0.1, 0.1]`.
    temperature : `float`, optional (default = `1.0`)
        Divides the teacher's scores before their probabilities are computed. The likelihood of the
        pseudo-gold is not tempered, and the loss is not multiplied by T^2.

    # Raises

    ConfigurationError
        If k is less than 1; weights has none of its forms, is not as long as k, has a negative
        weight or no positive one; or a temperature is given with a list of weights.
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
                    "weights must be at least 0 and at least one of them greater, found "
                    f"{list(weights)}"
                )
            self._k = len(self._weights) if k is None else k
            if self._k != len(self._weights):
                raise ConfigurationError(
                    f"k is {k}, but weights has {len(self._weights)} numbers: {list(weights)}"
                )
            if temperature != 1:
                raise ConfigurationError(
                    f"temperature {temperature} needs weights 'probability', found {list(weights)}"
                )

    @overrides
    def check(self, structure: str, num_labels: int) -> None:
        if structure == "chain" and num_labels == 1 and self._k > 1:
            raise ConfigurationError(
                f"k is {self._k}, but with 1 label a sentence has only 1 sequence of labels"
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
        # The student's score of a missing structure is undefined.
        found = (weights * found.masked_fill(weights == 0, 0.0)).sum(1)
        # If the student forbids every structure, its log-partition function is -inf too.
        total = total.masked_fill(torch.isneginf(total), 0.0)
        return weights.sum(1) * total - found

    def _of_chains(
        self, student: ChainPotentials, teacher: ChainPotentials
    ) -> Tuple[Tensor, Tensor]:
        """Returns the weights and the student's scores of the teacher's best sequences, both
        `(batch, k)`.
        """
        with torch.no_grad():
            # Shapes: (batch, k, length) and (batch, k)
            tags, scores = k_best(teacher, self._k)
            weights = self._weights_of(scores)
        rows = torch.arange(student.batch_size, device=tags.device).repeat_interleave(self._k)
        found = score(student.select_rows(rows), tags.flatten(0, 1))
        return weights, found.view_as(weights)

    def _of_trees(self, student: TreePotentials, teacher: TreePotentials) -> Tuple[Tensor, Tensor]:
        """Like `_of_chains`; one tree at a time, so that the student's label scores are not
        repeated.
        """
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
        """Returns the weights, shape `(batch, k)`, 0 for missing structures.

        # Raises

        ValueError
            If the teacher forbids every structure of a sentence.
        """
        impossible = torch.isneginf(scores[:, 0])
        if bool(impossible.any()):
            row = int(impossible.nonzero()[0])
            raise ValueError(
                f"the teacher forbids every structure of sentence {row} of the batch, so it has no "
                "best structure"
            )
        if self._weights is None:
            return log_normalized(scores / self.temperature).exp()
        weights = scores.new_tensor(self._weights).expand_as(scores)
        return weights.masked_fill(torch.isneginf(scores), 0.0)
