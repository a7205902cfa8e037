"""An ONNX Runtime session that each process creates for itself."""

import os
from typing import Any, Dict, List, Optional, Tuple

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.networks.onnx_guard import check_graph


class LazySession:
    """Runs a graph. The session is created at the first call, and again in a forked process.

    A session has threads and locks, which do not survive a fork, and cannot be pickled. So it is never
    handed on: what is pickled is the graph.

    # Parameters

    graph : `bytes`
        The content of an ONNX file.
    where : `str`
        For errors.
    threads : `int`, optional (default = `1`)

    # Raises

    PackageError
        If the graph is not one of a packaged student; see `check_graph`.
    """

    def __init__(self, graph: bytes, where: str, threads: int = 1) -> None:
        check_graph(graph, where)
        self.graph = graph
        self.threads = threads
        self._where = where
        self._made: Optional[Tuple[Tuple[int, int], Any]] = None
        self._inherited: List[Any] = []

    def __call__(self, **inputs: numpy.ndarray) -> List[numpy.ndarray]:
        """Returns the graph's outputs in order."""
        return self._session().run(None, inputs)

    def __getstate__(self) -> Dict[str, Any]:
        return {**self.__dict__, "_made": None, "_inherited": []}

    def _session(self) -> Any:
        key = (os.getpid(), self.threads)
        if self._made is None or self._made[0] != key:
            if self._made is not None and self._made[0][0] != key[0]:
                self._inherited.append(
                    self._made[1]
                )  # destroying it would wait for threads that no longer exist
            self._made = (key, self._make())
        return self._made[1]

    def _make(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # An arena would keep the memory of the largest batch forever without being faster.
        options.enable_cpu_mem_arena = False
        try:
            return onnxruntime.InferenceSession(
                self.graph, options, providers=["CPUExecutionProvider"]
            )
        except (
            Exception
        ) as error:  # its exception classes differ between versions, but their messages are clear
            raise PackageError(f"ONNX Runtime cannot open {self._where}: {error}") from error
