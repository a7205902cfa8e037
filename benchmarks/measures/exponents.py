"""How something grows."""

from typing import Dict

import numpy

from benchmarks.report import Report


def exponent(values: Dict[int, float]) -> float:
    """The slope of `log(value)` over `log(size)`, least squares, over the larger half of the sizes.

    Two sizes at least are taken.

    # Raises

    ValueError
        If there is only one size, or a value is not greater than 0.
    """
    if len(values) < 2:
        raise ValueError(f"a slope needs at least 2 sizes, found {len(values)}")
    if min(values.values()) <= 0:
        raise ValueError(f"a slope of logarithms needs values greater than 0, found {values}")
    sizes = sorted(values)[min(len(values) // 2, len(values) - 2) :]
    return float(numpy.polyfit(numpy.log(sizes), numpy.log([values[size] for size in sizes]), 1)[0])


def keep(report: Report, name: str, unit: str, values: Dict[int, float]) -> float:
    """Adds values by size, and their exponent, which is returned.

    # Parameters

    name : `str`
        Of what is measured and what it is against.
    unit : `str`
        What the sizes count.
    """
    for size, value in values.items():
        report.add(f"{size:,} {unit}", {name: value})
    slope = exponent(values)
    report.add("exponent", {f"{name}, by {unit}": slope})
    return slope
