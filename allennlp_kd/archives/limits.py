"""Limits on the size of an archive."""

import os
from typing import NamedTuple

from allennlp_kd.archives.archive_error import ArchiveError

MAX_GIB = "ALLENNLP_KD_MAX_ARCHIVE_GIB"
"""The environment variable that sets `Limits.total`."""

MIB, GIB = 1 << 20, 1 << 30


def from_environment(name: str, unit: str, default: float) -> float:
    """Reads a number from an environment variable, or returns the default.

    # Raises

    ArchiveError
        If it is not a number above 0.
    """
    text = os.environ.get(name)
    try:
        number = default if text is None else float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise ArchiveError(f"{name} must be a number of {unit} above 0, found {text!r}")
    return number


class Limits(NamedTuple):
    """Limits on an archive when it is unpacked.

    # Parameters

    total : `int`, optional (default = 16 GiB)
        Bytes of all of its files.
    members : `int`, optional (default = `10000`)
        Its number of files and folders.
    ratio : `int`, optional (default = `200`)
        How many times smaller it may be when packed, where it has more than `small` bytes. Weights
        compress to nine tenths, and zeros to a thousandth.
    small : `int`, optional (default = 256 MiB)
    """

    total: int = 16 * GIB
    members: int = 10_000
    ratio: int = 200
    small: int = 256 * MIB

    @classmethod
    def from_environment(cls) -> "Limits":
        """Returns the defaults, with the total from `ALLENNLP_KD_MAX_ARCHIVE_GIB` if it is set.

        # Raises

        ArchiveError
            If that is not a number above 0.
        """
        return cls(total=int(from_environment(MAX_GIB, "GiB", cls().total / GIB) * GIB))

    def check_total(self, size: int, where: str) -> None:
        """
        # Raises

        ArchiveError
            If the number of bytes is above the limit.
        """
        if size > self.total:
            raise ArchiveError(
                f"{where} is larger than {self.total / GIB:g} GiB when unpacked; to allow that, "
                f"set {MAX_GIB}"
            )
