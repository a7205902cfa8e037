"""Gradient accumulation that weights batches by their number of words."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from allennlp.data import TensorDict
from allennlp.training.callbacks import TrainerCallback
from allennlp.training.callbacks.backward import (
    MixedPrecisionBackwardCallback,
    OnBackwardException,
)
from overrides import overrides

if TYPE_CHECKING:
    from allennlp.training.gradient_descent_trainer import GradientDescentTrainer


@TrainerCallback.register("word_weighted_accumulation")
class WordWeightedAccumulation(TrainerCallback):
    """Makes `n` accumulated batches of a `distillation` model equal to one batch of all their
    words.

    The trainer averages the batches' losses, each of which is per word, so a word in a small batch
    counts for more. Let batch i have w_i words and the loss l_i, and let W_i be the number of words
    in batches 1 to i. This callback keeps the gradient of (sum_j<=i w_j l_j) / W_i instead: it
    scales the existing gradient by W_(i-1) / W_i and adds that of l_i w_i / W_i. Without
    accumulation, nothing changes.
    """

    def __init__(self, serialization_dir: str) -> None:
        super().__init__(serialization_dir)
        self._words = 0.0
        self._mixed_precision = MixedPrecisionBackwardCallback(serialization_dir)

    @overrides
    def on_backward(
        self,
        trainer: "GradientDescentTrainer",
        batch_outputs: Dict[str, Any],
        backward_called: bool,
        **kwargs: Any,
    ) -> bool:
        if backward_called:
            raise OnBackwardException(
                "another callback has called backward already: "
                "word_weighted_accumulation must be the only one to call "
                "it."
            )
        if "batch_words" not in batch_outputs:
            raise ValueError(
                "word_weighted_accumulation needs the output 'batch_words' of a model of type "
                f"distillation, found {', '.join(sorted(batch_outputs))}"
            )
        words = float(batch_outputs["batch_words"])
        total = self._words + words
        share = words / total if total > 0 else 1.0
        if self._words > 0:
            for parameter in trainer.model.parameters():
                if parameter.grad is not None:
                    parameter.grad.mul_(1.0 - share)
        self._words = total
        loss = batch_outputs["loss"] * share
        if trainer._scaler is None:
            loss.backward()
            return True
        return self._mixed_precision.on_backward(trainer, {"loss": loss}, backward_called)

    @overrides
    def on_batch(
        self,
        trainer: "GradientDescentTrainer",
        batch_inputs: List[TensorDict],
        batch_outputs: List[Dict[str, Any]],
        batch_metrics: Dict[str, Any],
        epoch: int,
        batch_number: int,
        is_training: bool,
        is_primary: bool = True,
        batch_grad_norm: Optional[float] = None,
        **kwargs: Any,
    ) -> None:
        if is_training:  # the weights have been updated
            self._words = 0.0
