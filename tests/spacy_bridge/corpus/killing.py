"""A local cluster, one worker of which is killed while it works."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Callable, List, Tuple

from distributed import Client, LocalCluster


def run_and_kill(
    command: Callable[[str], object], folder: Path, pattern: str
) -> Tuple[List[int], int, int]:
    """Runs a command that takes a scheduler's address on two workers; kills one with SIGKILL as soon as
    a file of this pattern is in the folder.

    # Returns

    `Tuple[List[int], int, int]`
        The processes of the workers that are there at the end, the one that was killed, and the number
        of files that were there then.
    """
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, memory_limit=None, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        processes = list(client.run(os.getpid).values())
        killed: List[int] = []

        def kill() -> None:
            while not finished.is_set():
                done = len(list(folder.glob(pattern)))
                if done:
                    os.kill(processes[0], signal.SIGKILL)
                    killed.extend((processes[0], done))
                    return
                time.sleep(0.001)

        finished = threading.Event()
        killer = threading.Thread(target=kill)
        killer.start()
        try:
            command(cluster.scheduler_address)
        finally:
            finished.set()
            killer.join()
        client.wait_for_workers(2, timeout=60)
        process, done = killed
        return list(client.run(os.getpid).values()), process, done
