"""Saves and restores the random generators of Python, NumPy and torch together."""

import hashlib
import logging
import random
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List

import numpy
import torch

logger = logging.getLogger(__name__)


def draw_seed() -> List[int]:
    """Derives numbers from a configuration's three seeds."""
    return [random.getrandbits(32), int(numpy.random.randint(2**31)), torch.initial_seed()]


def seed_generators(*key: Any) -> None:
    """Seeds all generators from nothing but the key."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    random.seed(int.from_bytes(digest[:8], "big"))
    numpy.random.seed(int.from_bytes(digest[8:12], "big"))
    torch.manual_seed(int.from_bytes(digest[12:20], "big") >> 1)


def random_states(torch_alone: bool = False) -> Dict[str, Any]:
    """Returns the states of the generators, including those of GPUs in use.

    # Parameters

    torch_alone : `bool`, optional (default = `False`)
        Whether to leave out Python's and numpy's generators. Numpy's takes a hundred times as long.
    """
    found: Dict[str, Any] = {"torch": torch.get_rng_state()}
    if not torch_alone:
        found.update(python=random.getstate(), numpy=numpy.random.get_state())
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def set_random_states(states: Dict[str, Any]) -> None:
    """Sets the generators to the states that `random_states` returned.

    It warns about the states of GPUs that this machine does not have.
    """
    if "python" in states:
        random.setstate(states["python"])
        numpy.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    saved = states.get("cuda", [])
    present = torch.cuda.device_count() if saved and torch.cuda.is_available() else 0
    for device, state in enumerate(saved[:present]):
        torch.cuda.set_rng_state(state, device)
    if len(saved) > present:
        logger.warning(
            "The states of random generators of %d GPUs were saved, but this machine has %d GPUs: "
            "the states of the others are not restored.",
            len(saved),
            present,
        )


@contextmanager
def preserved_random_states(torch_alone: bool = False) -> Iterator[None]:
    """Restores the generators' states on exit, so random numbers drawn inside change nothing
    outside.

    A teacher scores under it, so a student does not depend on whether the teacher runs or a store
    replaces it. AllenNLP's `AugmentedLstm`, for one, draws its recurrent dropout mask in evaluation too.

    # Parameters

    torch_alone : `bool`, optional (default = `False`)
        For a network, which draws only from torch; a reader may draw from any generator.
    """
    states = random_states(torch_alone)
    try:
        yield
    finally:
        set_random_states(states)
        if "cuda" not in states and torch.cuda.is_available() and torch.cuda.is_initialized():
            # The GPUs were first used inside, so they drew nothing between seeding and entry.
            torch.cuda.manual_seed_all(torch.initial_seed())
