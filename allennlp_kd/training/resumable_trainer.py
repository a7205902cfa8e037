"""A trainer whose recovered run ends with the same weights as an uninterrupted one."""

import json
import logging
from pathlib import Path
from typing import Any, Dict, Iterator, Optional, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.common.util import SigTermReceived
from allennlp.data.data_loaders import DataLoader, MultiProcessDataLoader, TensorDict
from allennlp.training import Trainer
from allennlp.training.callbacks.confidence_checks import ConfidenceChecksCallback
from allennlp.training.trainer import TrainerCheckpoint
from overrides import overrides

from allennlp_kd.models.student_wrapper import StudentWrapper
from allennlp_kd.random_states import (
    draw_seed,
    random_states,
    seed_generators,
    set_random_states,
)
from allennlp_kd.training.callback_states import callback_states, load_callback_states
from allennlp_kd.training.checked_no_grad import CheckedNoGradTrainer
from allennlp_kd.training.interruption import mark_interrupted, unmark
from allennlp_kd.training.run_folder import watch_run_folders
from allennlp_kd.training.whole_checkpointer import NEW_BEST, WholeCheckpointer

logger = logging.getLogger(__name__)

watch_run_folders()

OURS = "resumable"
"""Key of the trainer's state: what AllenNLP does not save."""


@Trainer.register("resumable", constructor="from_partial_objects")
class ResumableTrainer(CheckedNoGradTrainer):
    """A trainer that can be killed at any moment and continued with `--recover`. With one CPU
    process and no loader workers, it ends with the same weights, bit by bit.

    It is AllenNLP's trainer (`gradient_descent`) with the same parameters, and these differences:

    - The generators of Python, NumPy and torch are seeded at the start of epoch k with only the
      run's seeds and k, so the order of an epoch does not depend on earlier epochs. A checkpoint
      within an epoch contains the generators' states.
    - `best.th` is restored from the checkpoint; a run that had stopped early stays stopped;
      callbacks get their state by name; a moving average stays tied to the model; frozen parameters
      stay frozen; the scale of mixed precision and the parameters of objectives are restored.
    - Completed epochs are not read again if the loader is AllenNLP's `multiprocess` without
      `batches_per_epoch`; other loaders may carry their order over to the next epoch.
    - On Ctrl-C and SIGTERM it prints how to continue. The archive that AllenNLP then makes of the
      best weights is marked as interrupted (see `interruption.py`).

    # Raises

    ConfigurationError
        If the checkpointer is not of type `whole`; the model is sharded; or a checkpoint was left
        by another trainer.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not isinstance(self._checkpointer, WholeCheckpointer):
            raise ConfigurationError(
                "a resumable trainer needs a checkpointer of type 'whole', "
                f"found {type(self._checkpointer).__name__}"
            )
        if self._checkpointer.state_is_sharded:
            raise ConfigurationError("a resumable trainer takes no sharded model")
        self._has_student = isinstance(self.model, StudentWrapper)
        if self._has_student:
            self.model.learned_is_kept = True
        self._seed = draw_seed()
        self._recovered: Optional[Dict[str, Any]] = None

    # What is saved

    @overrides
    def get_checkpoint_state(self) -> Optional[TrainerCheckpoint]:
        state = super().get_checkpoint_state()
        if state is None:
            return None
        ours = {
            "seed": self._seed,
            "random": random_states(),
            "callbacks": callback_states(self._callbacks),
            "batches": self._total_batches_completed,
            "should_validate": self._should_validate_this_epoch,
            # Before torch 2.0, an optimizer also updates parameters whose gradient is zero rather
            # than absent.
            "parameters": {
                name: (parameter.requires_grad, parameter.grad is not None)
                for name, parameter in self._pytorch_model.named_parameters()
            },
            "learned": self.model.learned_state() if self._has_student else {},
            "scaler": None if self._scaler is None else self._scaler.state_dict(),
        }
        # AllenNLP restores callback states by position, so it must find none to restore.
        training = {**state.trainer_state, "callbacks": [], OURS: ours}
        return TrainerCheckpoint(
            state.model_state, {**training, NEW_BEST: self._new_best(state.model_state)}
        )

    def _new_best(self, model_state: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        """Returns the weights if AllenNLP is about to save them as `best.th`."""
        at_end = self._batches_in_epoch_completed == 0 and self._should_validate_this_epoch
        if not (at_end and self._metric_tracker.is_best_so_far()):
            return None
        if self._moving_average is None:
            return model_state
        self._moving_average.assign_average_value()
        try:
            return {name: weight.clone() for name, weight in self.model.state_dict().items()}
        finally:
            self._moving_average.restore()

    @overrides
    def _save_model_state(self, path: str) -> None:
        # AllenNLP may have linked the file to a checkpoint's, and would write into both.
        Path(path).unlink(missing_ok=True)
        super()._save_model_state(path)

    @overrides
    def _maybe_restore_checkpoint(self) -> None:
        averaged = None if self._moving_average is None else self._moving_average._parameters
        super()._maybe_restore_checkpoint()
        loaded, self._checkpointer.loaded = self._checkpointer.loaded, {}
        if not loaded:
            return
        if OURS not in loaded:
            raise ConfigurationError(
                f"the checkpoint in {self._serialization_dir} was not written by a resumable "
                "trainer"
            )
        self._recovered = loaded[OURS]
        if self._moving_average is not None:
            # AllenNLP would load copies of the parameters, and average those from now on.
            self._moving_average._parameters = averaged
        ours = self._recovered
        self._seed = ours["seed"]
        load_callback_states(self._callbacks, ours["callbacks"])
        for name, parameter in self._pytorch_model.named_parameters():
            trained, has_gradient = ours["parameters"][name]
            parameter.requires_grad_(trained)
            parameter.grad = torch.zeros_like(parameter) if has_gradient else None
        if self._has_student:
            self.model.load_learned_state(ours.get("learned", {}))
        if self._scaler is not None and ours["scaler"] is not None:
            self._scaler.load_state_dict(ours["scaler"])
        self._best_model_filename = self._checkpointer.restore_best()
        logger.info(
            "Continuing after %d epochs and %d batches.",
            self._start_after_epochs_completed,
            self._start_after_batches_in_epoch_completed,
        )

    # How training continues

    @overrides
    def train(self) -> Dict[str, Any]:
        try:
            metrics = super().train()
        except (KeyboardInterrupt, SigTermReceived):
            if self._primary:
                self._leave_resumable()
            raise
        if self._primary:
            unmark(self._serialization_dir)
        return metrics

    @overrides
    def _try_train(self) -> Tuple[Dict[str, Any], int]:
        completed = self._start_after_epochs_completed
        if self._recovered is not None:
            self._should_validate_this_epoch = self._recovered["should_validate"]
            if completed > 0:
                self._end_confidence_checks()
            if self._metric_tracker.should_stop_early() and completed < self._num_epochs:
                logger.info(
                    "The training had already run out of patience after %d epochs.", completed
                )
                self._num_epochs = completed
        metrics, epoch = super()._try_train()
        if completed and completed == self._num_epochs:
            # Nothing was left to train; the metrics of the last epoch are on disk.
            path = Path(self._serialization_dir) / f"metrics_epoch_{epoch}.json"
            metrics = {**_measured(path), **metrics}
        return metrics, epoch

    def _end_confidence_checks(self) -> None:
        """Removes AllenNLP's confidence checks, whose hooks it removes only in the first epoch."""
        for callback in self._callbacks:
            if isinstance(callback, ConfidenceChecksCallback) and self._primary:
                callback._verification.destroy_hooks()

    @overrides
    def _train_epoch(self, epoch: int) -> Dict[str, float]:
        seed_generators(*self._seed, epoch)
        if self._recovered is None:
            return super()._train_epoch(epoch)
        skipped = self._start_after_batches_in_epoch_completed
        if self._epochs_completed < self._start_after_epochs_completed:
            if _starts_anew(self.data_loader):
                self._total_batches_completed = self._recovered["batches"] - skipped
                return {}
            return super()._train_epoch(epoch)
        states = self._recovered["random"] if skipped else None
        self._recovered = None
        if states is None:
            return super()._train_epoch(epoch)
        loader = self.data_loader
        skipped *= self._num_gradient_accumulation_steps
        self.data_loader = _Continued(loader, skipped, states)  # type: ignore[assignment]
        try:
            return super()._train_epoch(epoch)
        finally:
            self.data_loader = loader

    def _leave_resumable(self) -> None:
        point = self._checkpointer.newest_whole()
        # So that an archive made now equals the checkpoint.
        self._best_model_filename = self._checkpointer.restore_best()
        epochs, batches = point or (0, 0)
        progress = {
            "epochs_completed": epochs,
            "batches_completed": batches,
            "num_epochs": self._num_epochs,
        }
        mark_interrupted(self._serialization_dir, progress)
        logger.warning(
            "Interrupted. %d of %d epochs (and %d batches) are saved in %s. The same `allennlp "
            "kd-distill`, or the same `allennlp train` with --recover continues from there. An "
            "archive made now is marked as interrupted.",
            epochs,
            self._num_epochs,
            batches,
            self._serialization_dir,
        )


def _starts_anew(loader: DataLoader) -> bool:
    """Whether the order of an epoch depends only on the generators, so that no batch needs to be
    read.
    """
    return type(loader) is MultiProcessDataLoader and loader.batches_per_epoch is None


def _measured(path: Path) -> Dict[str, Any]:
    """Reads the metrics of an epoch; returns none if a kill left no file or an incomplete one."""
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        logger.warning(
            "%s is damaged (%s): its metrics are left out; no weights are lost.", path, error
        )
        return {}


class _Continued:
    """A loader's batches, which restores the generators' states after the first of them."""

    def __init__(self, loader: DataLoader, skipped: int, states: Dict[str, Any]) -> None:
        self._loader = loader
        self._skipped = skipped
        self._states = states

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[TensorDict]:
        iterator = iter(self._loader)
        for _ in range(self._skipped):
            batch = next(iterator, None)
            if batch is None:
                break
            yield batch
        set_random_states(self._states)
        yield from iterator
