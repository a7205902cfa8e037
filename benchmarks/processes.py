"""Functions in processes of their own, several at once."""

import logging
import multiprocessing
from multiprocessing.connection import wait
from typing import Any, Callable, Dict, List, Sequence

logger = logging.getLogger(__name__)


def run_all(tasks: Sequence[Callable[[], Any]], jobs: int, method: str = "spawn") -> None:
    """Calls every function; with more than one job, each in a process of its own.

    What a function returns is dropped. One that fails in its process does not stop the others.

    # Parameters

    tasks : `Sequence[Callable[[], Any]]`
    jobs : `int`
    method : `str`, optional (default = `"spawn"`)
        How processes start. A fork cannot use CUDA where its parent has.

    # Raises

    ValueError
        If there is less than one job.
    RuntimeError
        If functions failed in their processes; their own errors are on standard error.
    """
    if jobs < 1:
        raise ValueError(f"jobs must be at least 1, found {jobs}")
    if jobs == 1:
        for task in tasks:
            task()
        return
    context = multiprocessing.get_context(method)
    waiting = list(enumerate(tasks))
    running: Dict[int, Any] = {}
    failed: List[int] = []
    while waiting or running:
        while waiting and len(running) < jobs:
            number, task = waiting.pop(0)
            process = context.Process(target=task)
            process.start()
            running[number] = process
        wait([process.sentinel for process in running.values()])
        for number, process in list(running.items()):
            if not process.is_alive():
                process.join()
                del running[number]
                if process.exitcode != 0:
                    failed.append(number)
                    logger.error("task %d ended with %s", number, process.exitcode)
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(tasks)} tasks failed: {sorted(failed)}")
