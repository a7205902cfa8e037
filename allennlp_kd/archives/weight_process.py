"""Lists the tensors of a weights file in a separate process with limits on memory and time."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO, Dict, NamedTuple

from allennlp_kd.archives import weight_outlines
from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.limits import GIB, from_environment

MEMORY, SECONDS = "ALLENNLP_KD_WEIGHTS_MEMORY_GIB", "ALLENNLP_KD_WEIGHTS_SECONDS"
"""The environment variables that set `WeightLimits`."""


class WeightLimits(NamedTuple):
    """Limits for listing tensors; an honest archive needs a hundredth.

    # Parameters

    memory : `int`, optional (default = 1 GiB)
        Bytes of memory. The numbers themselves do not count.
    seconds : `int`, optional (default = `60`)
        Of processor time.
    """

    memory: int = GIB
    seconds: int = 60

    @classmethod
    def from_environment(cls) -> "WeightLimits":
        """Returns the defaults, overridden by `ALLENNLP_KD_WEIGHTS_MEMORY_GIB` and
        `ALLENNLP_KD_WEIGHTS_SECONDS`.

        # Raises

        ArchiveError
            If one of them is not a number above 0.
        """
        return cls(
            int(from_environment(MEMORY, "GiB", cls().memory / GIB) * GIB),
            max(1, round(from_environment(SECONDS, "seconds", cls().seconds))),
        )


def outlines_of(file: BinaryIO, where: str) -> Dict[str, Any]:
    """See `weight_outlines.outline`.

    # Parameters

    file : `BinaryIO`
        A real file: the other process reads it.
    where : `str`
        For errors.

    # Raises

    ArchiveError
        If the file is damaged, holds anything but tensors, declares more than it has, or takes more
        memory or time than the limits allow.
    """
    limits = WeightLimits.from_environment()
    file.seek(0)
    program = [sys.executable, "-I", "-S", str(Path(weight_outlines.__file__))]
    try:
        # Processor time is limited; the other limit applies to waiting without working.
        done = subprocess.run(
            [*program, str(limits.memory), str(limits.seconds)],
            stdin=file,
            capture_output=True,
            timeout=10 * limits.seconds + 60,
        )
    except subprocess.TimeoutExpired as error:
        raise ArchiveError(_too_slow(where, limits)) from error
    if done.returncode in (-signal.SIGKILL, -getattr(signal, "SIGXCPU", signal.SIGKILL)):
        raise ArchiveError(_too_slow(where, limits))
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = {"memory": True} if b"MemoryError" in done.stderr else {}
    if "tensors" in found:
        return found
    if "kind" in found:
        raise ArchiveError(f"the weights of {where} {found['kind']}")
    if "memory" in found:
        raise ArchiveError(
            f"the weights of {where} are damaged, or contain more than tensors: listing the "
            f"tensors takes more than {limits.memory / GIB:g} GiB of memory; to allow that, set "
            f"{MEMORY}"
        )
    reason = found.get("error") or done.stderr.decode("utf-8", "replace").strip()[-300:]
    raise ArchiveError(
        f"the weights of {where} are damaged, or contain more than tensors: {reason}"
    )


def _too_slow(where: str, limits: WeightLimits) -> str:
    return (
        f"the weights of {where} are damaged, or contain more than tensors: listing the tensors "
        f"takes more than {limits.seconds} seconds; to allow that, set {SECONDS}"
    )
