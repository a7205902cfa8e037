"""The `distillation` model: trains a student against gold labels and a teacher."""

from typing import Any, Dict, List, Mapping, Optional, Tuple

import torch
from allennlp.common import Lazy
from allennlp.common.checks import ConfigurationError
from allennlp.data import Vocabulary
from allennlp.models import Model
from allennlp.nn.parallel import DdpAccelerator
from overrides import overrides
from torch import Tensor

from allennlp_kd.metrics.label_agreement import LabelAgreement
from allennlp_kd.models.loss_terms import LossTerms, Term
from allennlp_kd.models.pairing import Comparison, Pairing
from allennlp_kd.models.row_selection import RowSelection, select_rows
from allennlp_kd.models.student_vocabulary import check_embedders, take_teacher_labels
from allennlp_kd.models.student_wrapper import StudentWrapper
from allennlp_kd.objectives.objective import Layer, Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.teachers.teacher import Teacher

_ABSENT = object()  # no sentence of the batch can have teacher inputs, because the reader adds none
DISTILLATION_LOSS = "distillation_loss"


@Model.register("distillation")
class Distillation(StudentWrapper):
    """Trains a student on gold annotation and on a teacher's scores.

    The loss is `(1 - alpha) * gold + alpha * distillation`. The gold term is summed over the
    sentences with gold, the distillation term over those with teacher inputs. Both are divided by
    the number of words in the whole batch, across processes (and across accumulated batches with
    the callback `word_weighted_accumulation`). A term with weight 0 is not computed. Outside
    training, a batch without teacher inputs has only the gold term, with weight 1.

    Only the student's weights are in `state_dict` and in the archive, and loading the archive
    builds only the student. Parameters of an objective (projections of `hidden`, the scale of
    `substructured`) are trained, and a `resumable` trainer saves them in its checkpoints.

    The metrics are those of the student; `gold_loss` and `distillation_loss`, unweighted means over
    the words that each was computed on; `distillation_loss/NAME` for each member of a `sum`; and,
    outside training, `agreement`: the share of words on which the student's decision equals the one
    decoded from the teacher's potentials (over the common labels and under the student's
    constraints), in the sentences whose tokens are the teacher's words.

    # Parameters

    vocab : `Vocabulary`
    student : `Lazy[Model]`
        The student, a `Student`.
    teacher : `Teacher`
        The teacher, the same as in the dataset reader.
    objective : `Objective`, optional (default = the registered `substructured`)
        The objective that computes the distillation term.
    alpha : `float`, optional (default = `0.5`)
        The weight of the distillation term, in [0, 1].
    labels : `str`, optional (default = `"same"`)
        `same`: the student has the teacher's labels, in any order. Teacher labels that do not occur
        in the gold are added to its vocabulary, and a gold label that the teacher lacks is an
        error. `shared`: the objective covers the labels that both have. `none`, for trees: it
        covers only the arcs.
    label_map : `Dict[str, str]`, optional
        Maps teacher labels to the student's names. For trees, several labels may map to one name,
        such as subtypes to their universal label: their probabilities are added.

    # Raises

    ConfigurationError
        If alpha is not in [0, 1]; the student is no `Student`; student, teacher and objective are
        not of one structure; the objective needs what the teacher does not provide; the labels do
        not fit the policy; or the vocabulary has no word for one of the student's embedders.
    """

    def __init__(
        self,
        vocab: Vocabulary,
        student: Lazy[Model],
        teacher: Teacher,
        objective: Optional[Objective] = None,
        alpha: float = 0.5,
        labels: str = "same",
        label_map: Optional[Dict[str, str]] = None,
        serialization_dir: Optional[str] = None,
        ddp_accelerator: Optional[DdpAccelerator] = None,
    ) -> None:
        if labels == "same" and isinstance(student, Lazy):
            take_teacher_labels(vocab, student, teacher, label_map)
        super().__init__(vocab, student, serialization_dir, ddp_accelerator)
        self.alpha = alpha
        self.teacher = teacher
        self.objective = objective or Substructured()
        check_embedders(self.student)
        teacher.introduce(self.student.labels)
        self._pairing = Pairing(self.student, teacher, self.objective, labels, label_map)
        self.scheduled: Tuple[str, ...] = ()
        """The values (`"alpha"`, `"temperature"`) to report with the training metrics."""
        self.agreement_by_label = False
        self.last_agreement: Dict[str, float] = {}
        self._agreement = LabelAgreement(self.student.labels)
        self._parts = {name: f"{DISTILLATION_LOSS}/{name}" for name in self.objective.part_names}
        self.learned = self.objective.learned
        self._terms = LossTerms("gold_loss", DISTILLATION_LOSS, *self._parts.values())
        if self.learned is not None:
            self._terms.also = tuple(self.learned.parameters())
        self._expects_teacher, self._has_had_teacher = False, False

    @property
    def alpha(self) -> float:
        """The weight of the distillation term."""
        return self._alpha

    @alpha.setter
    def alpha(self, value: float) -> None:
        if not 0 <= value <= 1:
            raise ConfigurationError(f"alpha must lie in [0, 1], found {value}")
        self._alpha = float(value)

    @overrides(check_signature=False)
    def forward(
        self, teacher: Any = _ABSENT, teacher_alignment: Any = None, **inputs: Any
    ) -> Dict[str, Any]:
        """
        # Parameters

        teacher : `Any`, optional
            The collated field of the teacher's inputs.
        teacher_alignment : `Any`, optional
            The collated field that says, where the student's tokens are not the teacher's words, which
            tokens are which words.
        inputs : `Any`
            The student's; gold fields may be those of an `OptionalField`.

        # Returns

        `Dict[str, Any]`
            In training `loss` and `batch_words`, the number of words of the batch across processes.
            Otherwise what the student returns, with the `loss` of above.
        """
        self._warn_of_loss()
        gold = {name: inputs.pop(name, _ABSENT) for name in self.student.gold_fields}
        with self._pairing.hidden.recorded() as states:
            potentials = self.student.potentials(**inputs)
        size = potentials.batch_size
        annotated = all(value is not _ABSENT for value in gold.values())
        gold_rows = {}
        if annotated:
            gold_rows = {
                name: RowSelection.of(gold[name], size, withheld=not self.training) for name in gold
            }
        teachable = teacher is not _ABSENT
        if self.training and self.alpha > 0 and not teachable:
            raise ConfigurationError(self._no_teacher_inputs("the sentences"))
        alpha = self.alpha if teachable or self.training else 0.0

        gold_term = None
        distillation_terms = dict.fromkeys([DISTILLATION_LOSS, *self._parts.values()])
        if alpha < 1:
            gold_term = self._gold_term(potentials, gold_rows, weight=1 - alpha)
        outputs = {} if self.training else self.student.decode(potentials, **inputs)
        if alpha > 0:
            rows = RowSelection.of(teacher, size)
            distillation_terms.update(
                self._distillation_terms(
                    potentials,
                    rows,
                    outputs,
                    states,
                    RowSelection.of(teacher_alignment, size),
                    alpha,
                )
            )
        loss, words = self._terms(potentials, gold_loss=gold_term, **distillation_terms)
        if self.training:
            self._expects_teacher = self._expects_teacher or alpha > 0
            return {"loss": loss, "batch_words": words}
        if gold_term or distillation_terms[DISTILLATION_LOSS]:
            outputs["loss"] = loss
        if annotated:
            self._record(potentials, outputs, inputs, gold_rows)
        return outputs

    def _no_teacher_inputs(self, which: str) -> str:
        return (
            f"alpha is {self.alpha}, but {which} have no teacher inputs: the dataset reader must "
            'be of type "distillation", with "teacher_inputs" not false'
        )

    def _gold_term(
        self, potentials: Any, gold: Dict[str, RowSelection], weight: float
    ) -> Optional[Term]:
        if not gold or any(rows.value is None for rows in gold.values()):
            return None
        index = next(iter(gold.values())).index
        if index is not None:
            potentials = potentials.select_rows(index)
        total = self.student.gold_loss(
            potentials, **{name: rows.value for name, rows in gold.items()}
        )
        return Term(total, potentials.lengths.sum(), weight)

    def _distillation_terms(
        self,
        potentials: Any,
        inputs: RowSelection,
        outputs: Dict[str, Any],
        states: Mapping[Layer, Tensor],
        alignment: RowSelection,
        weight: float,
    ) -> Dict[str, Term]:
        """Returns the distillation terms by metric name; empty if no sentence has teacher inputs."""
        decided = self.student.decisions(outputs) if outputs else None
        if inputs.value is None:
            if decided is not None:  # all processes must update the metric
                decided = select_rows(decided, inputs.index)
                self._agreement(decided, decided)
            return {}
        comparisons = self._pairing.comparisons(potentials, inputs, states, alignment)
        totals: Dict[str, List[Tensor]] = {}
        for compared in comparisons:
            # Shape: (rows,)
            losses, parts = self.objective.with_parts(
                compared.student, compared.teacher, **compared.needed
            )
            self._pairing.check(losses, compared)
            totals.setdefault(DISTILLATION_LOSS, []).append(losses.sum())
            for name, part in parts.items():
                totals.setdefault(self._parts[name], []).append(part.detach().sum())
        if decided is not None:
            if inputs.index is not None:
                decided = select_rows(decided, inputs.index)
            self._compare_decisions(decided, comparisons[0])
        words = torch.stack([compared.student.lengths.sum() for compared in comparisons]).sum()
        return {
            name: Term(
                torch.stack(parts).sum(), words, weight if name == DISTILLATION_LOSS else 0.0
            )
            for name, parts in totals.items()
        }

    def _compare_decisions(self, decided: Dict[str, Tensor], compared: Comparison) -> None:
        """The agreement in the sentences whose tokens are the teacher's words."""
        if not compared.whole:
            decided = select_rows(decided, compared.rows[:0])
            self._agreement(decided, decided)
            return
        decided = select_rows(decided, compared.rows)
        teacher = self._pairing.spread(compared.teacher)
        best = self.student.decisions(self.student.decode(teacher))
        width = next(iter(best.values())).shape[1]
        self._agreement({kind: part[:, :width] for kind, part in decided.items()}, best)

    def _record(
        self,
        potentials: Any,
        outputs: Dict[str, Any],
        inputs: Dict[str, Any],
        gold: Dict[str, RowSelection],
    ) -> None:
        decoded = {name: value for name, value in outputs.items() if name != "loss"}
        index = next(iter(gold.values())).index
        given = {name: rows.value for name, rows in gold.items()}
        if index is not None:
            decoded, inputs = select_rows(decoded, index), select_rows(inputs, index)
        if any(value is None for value in given.values()):
            # No sentence here has teacher inputs, but all processes must update the metrics.
            given = {name: potentials.lengths.new_zeros((0, 0)) for name in given}
        self.student.record(decoded, **inputs, **given)

    @overrides
    def get_metrics(self, reset: bool = False) -> Dict[str, float]:
        metrics = {**self.student.get_metrics(reset), **self._terms.get_metrics(reset)}
        if self.training and reset and self._expects_teacher:
            self._has_had_teacher = self._has_had_teacher or DISTILLATION_LOSS in metrics
            if not self._has_had_teacher:
                raise ConfigurationError(self._no_teacher_inputs("all sentences of an epoch"))
        if self.training:
            values = {"alpha": self.alpha, "temperature": self.objective.temperature}
            metrics.update({name: values[name] for name in self.scheduled})
        elif reset and self.agreement_by_label:
            self.last_agreement = self._agreement.by_label()
            metrics.update({f"agreement/{k}": v for k, v in self.last_agreement.items()})
        metrics.update(self._agreement.get_metric(reset))
        return metrics
