"""The states of callbacks by their names, which a change of their list leaves as they are."""

import logging
from typing import Any, Dict, List

from allennlp.training.callbacks import TrainerCallback

logger = logging.getLogger(__name__)


def callback_names(callbacks: List[TrainerCallback]) -> List[str]:
    """The names that they are registered by, else their classes'; a second one is `NAME 2`."""
    registered: Dict[Any, str] = {}
    for name in TrainerCallback.list_available():
        registered.setdefault(TrainerCallback.by_name(name), name)
    found: List[str] = []
    count: Dict[str, int] = {}
    for callback in callbacks:
        kind = type(callback)
        name = registered.get(kind, f"{kind.__module__}.{kind.__qualname__}")
        count[name] = count.get(name, 0) + 1
        found.append(name if count[name] == 1 else f"{name} {count[name]}")
    return found


def callback_states(callbacks: List[TrainerCallback]) -> Dict[str, Any]:
    """Their states, by name."""
    names = callback_names(callbacks)
    return {name: callback.state_dict() for name, callback in zip(names, callbacks)}


def load_callback_states(callbacks: List[TrainerCallback], states: Dict[str, Any]) -> None:
    """Gives each callback the state that one of its name has left."""
    names = callback_names(callbacks)
    for name, callback in zip(names, callbacks):
        if name in states:
            callback.load_state_dict(states[name])
        else:
            logger.warning("the callback %s is new and starts without a state", name)
    for name, state in states.items():
        if name not in names and state:
            logger.warning("there is no callback %s any more; its state is dropped", name)
