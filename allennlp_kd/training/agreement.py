"""The callback `agreement`: logs student-teacher agreement for each label."""

import logging
from typing import TYPE_CHECKING, Any, Dict

from allennlp.training.callbacks import TrainerCallback
from overrides import overrides

from allennlp_kd.training.distillation_callback import DistillationCallback

if TYPE_CHECKING:
    from allennlp.training.gradient_descent_trainer import GradientDescentTrainer

logger = logging.getLogger(__name__)


@TrainerCallback.register("agreement")
class Agreement(DistillationCallback):
    """Logs the agreement of student and teacher for each label after each validation.

    The shares are also metrics, `agreement/LABEL`, so they are in the metrics files and in
    TensorBoard. Labels that the teacher never predicts are left out.
    """

    registered_as = "agreement"

    @overrides
    def on_start(
        self, trainer: "GradientDescentTrainer", is_primary: bool = True, **kwargs: Any
    ) -> None:
        super().on_start(trainer, is_primary=is_primary, **kwargs)
        trainer.model.agreement_by_label = True

    @overrides
    def on_epoch(
        self,
        trainer: "GradientDescentTrainer",
        metrics: Dict[str, Any],
        epoch: int,
        is_primary: bool = True,
        **kwargs: Any,
    ) -> None:
        if not is_primary:
            return
        shares = dict(trainer.model.last_agreement)
        # Reset, so that an epoch without a validation does not repeat the previous values.
        trainer.model.last_agreement = {}
        if not shares:
            logger.warning(
                "no agreement in epoch %d: there was no validation, its sentences have no teacher "
                "inputs, or alpha is 0",
                epoch,
            )
            return
        width = max(len(label) for label in shares)
        logger.info(
            "agreement in epoch %d: %.4f, by the teacher's label\n%s",
            epoch,
            metrics["validation_agreement"],
            "\n".join(f"{label:<{width}}  {share:.4f}" for label, share in sorted(shares.items())),
        )
