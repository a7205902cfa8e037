"""A value that changes during training."""

from typing import Optional

from allennlp.common import FromParams
from allennlp.common.checks import ConfigurationError

from allennlp_kd.training.schedules import SHAPES, scheduled

UNITS = ("epoch", "step")


class Schedule(FromParams):
    """A value that goes from `start` to `end` and stays there.

    # Parameters

    start : `float`
        The value at the first epoch or step.
    end : `float`, optional (default = `start`)
        The value once `length` of them are completed.
    length : `int`, optional
        The number of epochs or steps from `start` to `end`; required unless the shape is
        `constant`.
    shape : `str`, optional (default = `"linear"` with an `end`, else `"constant"`)
        `constant`, `linear` or `cosine`.
    by : `str`, optional (default = `"epoch"`)
        `epoch`, or `step` (an update of the weights).

    # Raises

    ConfigurationError
        If the shape or the unit is unknown, or the length does not go with the shape.
    """

    def __init__(
        self,
        start: float,
        end: Optional[float] = None,
        length: Optional[int] = None,
        shape: Optional[str] = None,
        by: str = "epoch",
    ) -> None:
        if shape is None:
            shape = "constant" if end is None else "linear"
        if shape not in SHAPES:
            raise ConfigurationError(
                f"the shape of a schedule must be one of {', '.join(SHAPES)}, found {shape!r}"
            )
        if by not in UNITS:
            raise ConfigurationError(f"a schedule goes by one of {', '.join(UNITS)}, found {by!r}")
        if shape == "constant":
            if end not in (None, start) or length is not None:
                raise ConfigurationError(
                    f"a constant schedule takes only a start, found start {start}, end {end} and "
                    f"length {length}"
                )
        elif end is None or length is None or length < 1:
            raise ConfigurationError(
                f"a {shape} schedule needs an end and a length of at least 1, "
                f"found end {end} and length {length}"
            )
        self.shape = shape
        self.start = float(start)
        self.end = self.start if end is None else float(end)
        self.length = length or 1
        self.by = by

    def value(self, epochs: int, steps: int) -> float:
        """Returns the value after the given completed epochs and steps (counted over the whole
        training).
        """
        completed = epochs if self.by == "epoch" else steps
        return scheduled(self.shape, self.start, self.end, self.length, completed)
