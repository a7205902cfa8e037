"""Stock's trainer with a warning where `no_grad` freezes nothing."""

import inspect
import logging
import re
from typing import Any, List, Optional

from allennlp.models import Model
from allennlp.training import GradientDescentTrainer, Trainer
from overrides import overrides

logger = logging.getLogger(__name__)


class CheckedNoGradTrainer(GradientDescentTrainer):
    """Warns where a regular expression of `no_grad` matches no parameter; stock says nothing then."""

    @classmethod
    @overrides(check_signature=False)
    def from_partial_objects(
        cls, model: Model, no_grad: Optional[List[str]] = None, **parameters: Any
    ) -> Trainer:
        """As stock's. The parameters are those of `GradientDescentTrainer.from_partial_objects`."""
        for regex in no_grad or ():
            if not any(re.search(regex, name) for name, _ in model.named_parameters()):
                logger.warning("no_grad: %s does not match any parameter name", regex)
        return super().from_partial_objects(model=model, no_grad=no_grad, **parameters)

    # AllenNLP reads the parameters of a configuration, and their types, off the signature.
    from_partial_objects.__func__.__signature__ = inspect.signature(  # type: ignore[attr-defined]
        GradientDescentTrainer.from_partial_objects.__func__  # type: ignore[attr-defined]
    )
