"""Reads weights from a torch file as arrays, without running anything in it."""

from typing import Dict

import numpy

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.tensors import load_tensors
from spacy_bridge.errors import BridgeError


def load_weights(content: bytes, where: str) -> Dict[str, numpy.ndarray]:
    """Returns the arrays of a state dict, with floating-point arrays as float32.

    # Raises

    BridgeError
        If the file is damaged, or holds anything but tensors.
    """
    try:
        tensors = load_tensors(content, where)
    except ArchiveError as error:
        raise BridgeError(str(error)) from error
    return {
        name: (value.float() if value.is_floating_point() else value).detach().numpy()
        for name, value in tensors.items()
    }
