"""The tensors that a step allocates."""

from collections import Counter
from typing import Callable, List

import torch
from torch.profiler import ProfilerActivity, profile

MARK = 7919  # bytes of a tensor that frames the step in the profiler's events
ATTEMPTS = 5


def peak_bytes(step: Callable[[], object]) -> int:
    """The most bytes, at once, of tensors that a step allocates, above those alive before it.

    PyTorch's allocator is read through its profiler, so what an operator allocates inside itself, or
    a backward pass, counts as well. What the step frees of older tensors, such as the last step's
    gradients, does not count. CPU only.

    # Raises

    RuntimeError
        If the profiler loses the step's events again and again: on a busy machine it drops those
        that it believes to lie outside of its window.
    """
    step()  # what is built on first use is not the step's
    for _ in range(ATTEMPTS):
        changes = _changes(step)
        marks = [place for place, change in enumerate(changes) if change == MARK]
        if len(marks) == 2:
            return _peak(changes[marks[0] + 1 : marks[1]])
    raise RuntimeError(f"the profiler lost events of a step, {ATTEMPTS} times")


def _peak(changes: List[int]) -> int:
    """The most bytes alive at once.

    The profiler sometimes reports the release of a tensor that was there before, where its address
    was used under an earlier profiler; such a release has no allocation of its size.
    """
    alive: Counter = Counter()
    total, peak = 0, 0
    for change in changes:
        if change > 0:
            alive[change] += 1
        elif alive[-change]:
            alive[-change] -= 1
        else:
            continue
        total += change
        peak = max(peak, total)
    return peak


def _changes(step: Callable[[], object]) -> List[int]:
    """The bytes of each allocation, and of each release with a minus, between two of `MARK`."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        marks = [torch.empty(MARK, dtype=torch.uint8)]
        result = step()
        marks.append(torch.empty(MARK, dtype=torch.uint8))
    del result
    events = [
        event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"
    ]
    # torch 1.12 counts in microseconds; the sort is stable, and events of one thread are in order.
    is_new = bool(events) and hasattr(events[0], "start_ns")
    events.sort(key=lambda event: event.start_ns() if is_new else event.start_us())
    return [event.nbytes() for event in events]
