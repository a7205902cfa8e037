"""A model that trains a student and saves only the student."""

import logging
from os import PathLike
from typing import Any, Dict, Iterator, Optional, Set, Tuple, Union

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.common.lazy import Lazy
from allennlp.data import Vocabulary
from allennlp.models import Model
from allennlp.nn.parallel import DdpAccelerator
from overrides import overrides
from torch import Tensor
from torch.nn import Module

from allennlp_kd.models.student import Student

logger = logging.getLogger(__name__)


class StudentWrapper(Model):
    """Saves and loads only the student's weights, under the student's own names.

    So checkpoints, `best.th` and the archive contain a plain model. The archive's configuration is the
    one that it was trained with; of its `model`, loading reads `student` and builds that.

    Its parameters are called what the student calls them, too, so the regular expressions of a plain
    configuration (`no_grad`, `parameter_groups`) match what they match there.

    Parameters trained in addition to the student are `learned`, and its parameters' names begin
    with `learned.`; a
    trainer of type `resumable` keeps it in the trainer's part of its checkpoints.

    # Parameters

    vocab : `Vocabulary`
    student : `Lazy[Model]`
        Builds a `Student`; a built one may be given as well.

    # Raises

    ConfigurationError
        If the student is no `Student`.
    """

    # AllenNLP looks it up by the type in the archive's configuration.
    default_predictor = "distillation"

    def __init__(
        self,
        vocab: Vocabulary,
        student: Union[Lazy[Model], Student],
        serialization_dir: Optional[str] = None,
        ddp_accelerator: Optional[DdpAccelerator] = None,
    ) -> None:
        super().__init__(
            vocab, serialization_dir=serialization_dir, ddp_accelerator=ddp_accelerator
        )
        if isinstance(student, Lazy):
            student = student.construct(
                vocab=vocab, serialization_dir=serialization_dir, ddp_accelerator=ddp_accelerator
            )
        if not isinstance(student, Student):
            raise ConfigurationError(
                "the student must be a model such as crf_tagger_student, found "
                f"{type(student).__name__}"
            )
        self.student = student
        self.learned: Optional[Module] = None
        """Trained modules that are not part of the student."""
        self.learned_is_kept = False
        """Whether a trainer has announced that its checkpoints contain `learned`."""
        self._has_warned = False
        self._register_load_state_dict_pre_hook(self._name_student, with_module=True)

    @overrides(check_signature=False)
    def named_modules(
        self, memo: Optional[Set[Module]] = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[Tuple[str, Module]]:
        """Like `torch.nn.Module.named_modules`, but without the prefix `student.` for the student's
        modules.

        The names of parameters and buffers are made of these.
        """
        memo = set() if memo is None else memo
        if remove_duplicate and self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                inner = f"{prefix}.{name}" if prefix else name
                inner = prefix if name == "student" else inner
                yield from module.named_modules(memo, inner, remove_duplicate)

    @overrides(check_signature=False)
    def state_dict(self, *args: Any, **kwargs: Any) -> Dict[str, Any]:
        return self.student.state_dict(*args, **kwargs)

    def learned_state(self) -> Dict[str, Tensor]:
        """Returns the weights of `learned` for a checkpoint."""
        return {} if self.learned is None else self.learned.state_dict()

    def load_learned_state(self, state: Dict[str, Tensor]) -> None:
        """Loads the result of `learned_state`."""
        if self.learned is not None:
            self.learned.load_state_dict(state)

    def _warn_of_loss(self) -> None:
        """Warns once that a recovered run will lose the learned weights."""
        lost = self.learned is not None and not self.learned_is_kept
        if self.training and lost and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "The objective learns weights that only the checkpoints of a trainer of type "
                "'resumable' contain. If a run is recovered with this trainer, they start again "
                "from their initial values."
            )

    @staticmethod
    def _name_student(
        module: "StudentWrapper", state: Dict[str, Any], prefix: str, *args: Any
    ) -> None:
        # `load_state_dict` of a wrapper (DDP) does not call this class's method, but runs this
        # hook.
        for key in [key for key in state if key.startswith(prefix)]:
            state[f"{prefix}student.{key[len(prefix) :]}"] = state.pop(key)
        # Modules learned besides the student are not in the file and stay as they are.
        for key, value in module.learned_state().items():
            state[f"{prefix}learned.{key}"] = value

    @classmethod
    @overrides
    def _load(
        cls,
        config: Params,
        serialization_dir: Union[str, PathLike],
        weights_file: Optional[Union[str, PathLike]] = None,
        cuda_device: int = -1,
    ) -> Model:
        config = config.duplicate()
        config["model"] = config["model"]["student"]
        return Model.load(config, serialization_dir, weights_file, cuda_device)

    @overrides
    def make_output_human_readable(self, output_dict: Dict[str, Tensor]) -> Dict[str, Tensor]:
        return self.student.make_output_human_readable(output_dict)

    @overrides
    def get_regularization_penalty(self) -> Optional[Tensor]:
        return self.student.get_regularization_penalty()
