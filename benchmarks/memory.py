"""The tensors that a step allocates."""

from typing import Callable

from torch.profiler import ProfilerActivity, profile


def peak_bytes(step: Callable[[], object]) -> int:
    """The most bytes, at once, of tensors that a step allocates, above those alive before it.

    PyTorch's allocator is read through its profiler, so what an operator allocates inside itself, or
    a backward pass, counts as well. What the step frees of older tensors, such as the last step's
    gradients, does not count. CPU only.
    """
    step()  # what is built on first use is not the step's
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        step()
    events = [
        event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"
    ]
    # torch 1.12 counts in microseconds; the sort is stable, and events of one thread are in order.
    is_new = bool(events) and hasattr(events[0], "start_ns")
    events.sort(key=lambda event: event.start_ns() if is_new else event.start_us())
    alive, peak = 0, 0
    for event in events:
        alive += event.nbytes()
        peak = max(peak, alive)
    return peak
