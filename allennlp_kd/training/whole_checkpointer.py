"""A checkpointer that writes checkpoints atomically."""

import inspect
import logging
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Set, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.training.checkpointer import Checkpointer
from allennlp.training.trainer import Trainer, TrainerCheckpoint
from overrides import overrides

from allennlp_kd.training.checkpoint_manifest import CheckpointManifest, Point, sha256
from spacy_bridge.atomic_file import (
    atomic_file,
    copy_atomically,
    link_atomically,
    remove_unfinished,
)

logger = logging.getLogger(__name__)

NEW_BEST = "new_best"
"""Key of a trainer's state: the weights to save as the best so far, or `None`."""
PARTS = ("model_state_e*.th", "training_state_e*.th", "best_e*.th")


@Checkpointer.register("whole")
class WholeCheckpointer(Checkpointer):
    """Writes each file under a temporary name, syncs it and renames it, and writes a manifest of
    the files' SHA-256 digests last. Loads the newest checkpoint whose files all match.

    A checkpoint contains the states of model and trainer, and also the best weights so far, so that
    `best.th`, which the trainer replaces afterward, can be restored.

    The parameters are those of the default checkpointer. The newest checkpoint is always kept,
    because the run continues from it.

    # Raises

    ConfigurationError
        When loading: if there are checkpoints, and all are damaged.
    OSError
        When saving: if the disk is full. The checkpoint before stays.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._newest: Optional[Point] = None  # verified: written or read by this process
        self.loaded: Dict[str, Any] = {}
        """The trainer state that was loaded last, for a trainer that has added to it."""

    @property
    def _folder(self) -> Path:
        return Path(self._serialization_dir)

    @overrides
    def save_checkpoint(self, trainer: Trainer) -> None:
        state = trainer.get_checkpoint_state()
        if state is None:  # this is not the primary process
            return
        trainer_state = dict(state.trainer_state)
        new_best = trainer_state.pop(NEW_BEST, None)
        point = (trainer_state["epochs_completed"], trainer_state["batches_in_epoch_completed"])
        model = Path(self._model_state_path(*point))
        files = {model.name: self._write(model, state.model_state)}
        best, best_digest = self._best()
        if new_best is not None:
            path = model.with_name(f"best_e{point[0]}_b{point[1]}.th")
            best, best_digest = path.name, files[model.name]
            if new_best is state.model_state:
                link_atomically(model, path)
            else:
                best_digest = self._write(path, new_best)
        if best is not None:
            files[best] = best_digest
        training = Path(self._training_state_path(*point))
        files[training.name] = self._write(training, trainer_state)
        CheckpointManifest(files, best).write(self._folder, point)

        self._newest = point
        self._last_save_time = time.time()
        self._last_save_num_epochs_completed, self._last_save_num_batches_in_epoch_completed = point
        self._prune()

    def _write(self, path: Path, content: Dict[str, Any]) -> str:
        try:
            with atomic_file(path) as file:
                torch.save(content, file)
        except (OSError, RuntimeError) as error:  # torch has its own exception for a failed write
            raise OSError(
                f"the checkpoint {path} cannot be written: {error}. The previous one is complete; "
                "free some disk space and continue with --recover"
            ) from error
        return sha256(path)

    def _best(self) -> Tuple[Optional[str], str]:
        if self._newest is None:
            return None, ""
        manifest = CheckpointManifest.read(self._folder, self._newest)
        return manifest.best, manifest.files.get(manifest.best or "", "")

    def _prune(self) -> None:
        """Removes old checkpoints, and files that belong to no checkpoint."""
        points = sorted(self._find_all_checkpoints(), reverse=True)
        kept = set(points)
        if self._keep_most_recent_by_count is not None or self._keep_most_recent_by_age is not None:
            kept = set(points[: max(self._keep_most_recent_by_count or 0, 1)])
            for point in points:
                age = time.time() - CheckpointManifest.path(self._folder, point).stat().st_mtime
                if age <= (self._keep_most_recent_by_age or -1):
                    kept.add(point)
        self._remove(set(points) - kept)

    def _remove(self, points: Set[Point]) -> None:
        for point in points:
            CheckpointManifest.path(self._folder, point).unlink()
        used: Set[str] = set()
        for point in self._find_all_checkpoints():
            try:
                used.update(CheckpointManifest.read(self._folder, point).files)
            except ValueError as error:
                logger.warning("%s; its checkpoint is removed", error)
                CheckpointManifest.path(self._folder, point).unlink()
        for pattern in PARTS:
            for path in self._folder.glob(pattern):
                if path.name not in used:
                    path.unlink()

    @overrides
    def _find_all_checkpoints(self) -> Set[Point]:
        return set(CheckpointManifest.points(self._folder))

    def newest_whole(self) -> Optional[Point]:
        """Returns the completed epochs and batches of the newest complete checkpoint.

        What is damaged and newer is removed, so that nothing takes it for the newest later on.

        # Raises

        ConfigurationError
            If there are checkpoints, and all are damaged.
        """
        if self._newest is not None:
            return self._newest
        faults: List[str] = []
        damaged: Set[Point] = set()
        for point in sorted(self._find_all_checkpoints(), reverse=True):
            try:
                CheckpointManifest.read(self._folder, point).check(self._folder)
            except ValueError as error:
                faults.append(str(error))
                damaged.add(point)
                continue
            self._newest = point
            break
        if not faults:
            return self._newest
        found = "; ".join(faults)
        if self._newest is None:
            raise ConfigurationError(
                f"no checkpoint in {self._folder} is complete: {found}. Restore a copy of the "
                "damaged files, or remove the folder and train again"
            )
        logger.warning("checkpoints are left out: %s. Continuing from %s", found, self._newest)
        if self._is_primary:
            self._remove(damaged)
        return self._newest

    @overrides
    def find_latest_checkpoint(self) -> Optional[Tuple[str, str]]:
        point = self.newest_whole()
        if point is None:
            return None
        return self._model_state_path(*point), self._training_state_path(*point)

    @overrides
    def load_checkpoint(self) -> Optional[TrainerCheckpoint]:
        if self._is_primary:
            remove_unfinished(self._folder)
        latest = self.find_latest_checkpoint()
        if latest is None:
            if any(self._folder.glob(PARTS[0])):
                logger.warning(
                    "the first checkpoint in %s is incomplete; training starts from the beginning",
                    self._folder,
                )
            return None
        # This run wrote them, and their digests match.
        model_state, self.loaded = (_load(path) for path in latest)
        return TrainerCheckpoint(model_state, self.loaded)

    def restore_best(self) -> Optional[str]:
        """Restores `best.th` as it was at the newest checkpoint.

        # Returns

        `str`, optional
            Its path; `None` where no weights were the best yet.
        """
        best = self._folder / "best.th"
        name, _ = self._best()
        if name is not None:
            if self._is_primary:
                # The trainer may write the next best weights into it in place.
                copy_atomically(self._folder / name, best)
            return str(best)
        if self._is_primary:
            best.unlink(missing_ok=True)
        return None


def _load(path: str) -> Dict[str, Any]:
    # torch 2.6 and later refuses a NumPy number from a metric.
    known = inspect.signature(torch.load).parameters
    full = {"weights_only": False} if "weights_only" in known else {}
    return torch.load(path, map_location=torch.device("cpu"), **full)
