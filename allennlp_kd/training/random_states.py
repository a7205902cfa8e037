"""The random generators of Python, numpy and torch, all at once."""

import hashlib
import random
from typing import Any, Dict, List

import numpy
import torch


def draw_seed() -> List[int]:
    """Numbers that follow from a configuration's three seeds."""
    return [random.getrandbits(32), int(numpy.random.randint(2**31)), torch.initial_seed()]


def seed_generators(*key: Any) -> None:
    """Seeds all generators with the key, and with nothing else."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    random.seed(int.from_bytes(digest[:8], "big"))
    numpy.random.seed(int.from_bytes(digest[8:12], "big"))
    torch.manual_seed(int.from_bytes(digest[12:20], "big") >> 1)


def random_states() -> Dict[str, Any]:
    """Where the generators are, the GPUs' among them where they are in use."""
    found = {
        "python": random.getstate(),
        "numpy": numpy.random.get_state(),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    return found


def set_random_states(states: Dict[str, Any]) -> None:
    """Takes the generators back to where they were."""
    random.setstate(states["python"])
    numpy.random.set_state(states["numpy"])
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
