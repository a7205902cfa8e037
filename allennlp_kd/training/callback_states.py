"""Saves the states of callbacks by name, so that the list of callbacks may change."""

import logging
from typing import Any, Dict, List

from allennlp.training.callbacks import TrainerCallback

logger = logging.getLogger(__name__)


def callback_names(callbacks: List[TrainerCallback]) -> List[str]:
    """Returns the callbacks' registered names, or else their class names; a second one is `NAME 2`."""
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
    """Returns the states by name."""
    names = callback_names(callbacks)
    return {name: callback.state_dict() for name, callback in zip(names, callbacks)}


def load_callback_states(callbacks: List[TrainerCallback], states: Dict[str, Any]) -> None:
    """Gives each callback the state saved under its name."""
    names = callback_names(callbacks)
    for name, callback in zip(names, callbacks):
        if name in states:
            callback.load_state_dict(states[name])
        else:
            logger.warning("the callback %s is new and starts without a saved state", name)
    for name, state in states.items():
        if name not in names and state:
            logger.warning("the callback %s no longer exists; its saved state is dropped", name)
