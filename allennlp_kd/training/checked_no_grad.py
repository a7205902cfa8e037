"""AllenNLP's trainer with a warning if `no_grad` freezes nothing."""

import inspect
import logging
import re
from typing import Any, List, Optional

from allennlp.models import Model
from allennlp.training import GradientDescentTrainer, Trainer
from overrides import overrides

logger = logging.getLogger(__name__)


class CheckedNoGradTrainer(GradientDescentTrainer):
    """Warns if a regular expression of `no_grad` matches no parameter, which AllenNLP ignores
    silently.
    """

    @classmethod
    @overrides(check_signature=False)
    def from_partial_objects(
        cls, model: Model, no_grad: Optional[List[str]] = None, **parameters: Any
    ) -> Trainer:
        """Like AllenNLP's, with the parameters of `GradientDescentTrainer.from_partial_objects`."""
        for regex in no_grad or ():
            if not any(re.search(regex, name) for name, _ in model.named_parameters()):
                logger.warning("no_grad: %s does not match any parameter name", regex)
        return super().from_partial_objects(model=model, no_grad=no_grad, **parameters)

    # AllenNLP reads the parameters and their types from the signature.
    from_partial_objects.__func__.__signature__ = inspect.signature(  # type: ignore[attr-defined]
        GradientDescentTrainer.from_partial_objects.__func__  # type: ignore[attr-defined]
    )
