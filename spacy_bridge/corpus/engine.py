"""Runs a task on each piece of a corpus: in one process, in several, or on a Dask cluster."""

import uuid
from contextlib import ExitStack
from itertools import chain, islice
from typing import Any, Callable, Iterable, Iterator, Optional, TypeVar

from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.piece import Piece

Result = TypeVar("Result")
AHEAD = 2  # pieces queued per worker thread, so that none is idle


def run(
    task: Callable[[Piece], Result],
    pieces: Iterable[Piece],
    workers: Optional[int] = None,
    scheduler: Optional[str] = None,
) -> Iterator[Result]:
    """Yields the results as they are completed.

    A worker that is lost costs the pieces that it had in its hands: Dask gives them to another. A
    piece that its workers did not survive four times ends the run.

    # Parameters

    task : `Callable[[Piece], Result]`
        It must be picklable, and may be run again on a piece that is done.
    pieces : `Iterable[Piece]`
        Taken as they are needed.
    workers : `int`, optional
        Processes to start here. By default, this process does it all.
    scheduler : `str`, optional
        The address of a cluster's scheduler, `tcp://HOST:PORT`.

    # Raises

    ShardsError
        If both are given, there are less than 1 workers, or Dask is not installed.
    """
    if workers is None and scheduler is None:
        return map(task, pieces)
    if workers is not None and scheduler is not None:
        raise ShardsError(
            f"give either the number of workers or the scheduler, found both: {workers}, "
            f"{scheduler}"
        )
    if workers is not None and workers < 1:
        raise ShardsError(f"the number of workers must be at least 1, found {workers}")
    return _run_by_dask(task, iter(pieces), workers, scheduler)


def _run_by_dask(
    task: Callable[[Piece], Result],
    pieces: Iterator[Piece],
    workers: Optional[int],
    scheduler: Optional[str],
) -> Iterator[Result]:
    waiting = list(islice(pieces, 1))
    if not waiting:
        return  # no other process is needed
    pieces = chain(waiting, pieces)
    distributed = _distributed()
    with ExitStack() as stack:
        if scheduler is None:
            scheduler = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    processes=True,
                    memory_limit=None,
                    dashboard_address=":0",
                )
            )
        client = stack.enter_context(_client(distributed, scheduler))
        threads = max(1, sum(client.nthreads().values()))
        # A scheduler gives all clients the result of the first task with a key.
        run_id = uuid.uuid4().hex

        def submit(piece: Piece) -> Any:
            return client.submit(
                task, piece, key=f"piece-{run_id}-{piece.number}-{piece.digest}", pure=False
            )

        # Only a window of pieces is submitted, so the scheduler's memory does not depend on the
        # corpus.
        first = [submit(piece) for piece in islice(pieces, AHEAD * threads)]
        done = distributed.as_completed(first, loop=client.loop)
        for future in done:
            result = future.result()
            future.release()
            for piece in islice(pieces, 1):
                done.add(submit(piece))
            yield result


def _client(distributed: Any, scheduler: Any) -> Any:
    try:
        return distributed.Client(scheduler, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ShardsError(f"the scheduler {scheduler} cannot be reached: {error}") from error


def _distributed() -> Any:
    try:
        import distributed
    except ImportError as error:
        raise ShardsError(
            "several workers need Dask: pip install 'allennlp-kd[cluster]'"
        ) from error
    return distributed
