"""Tasks on pieces, by one process and by several."""

import io
import os
import sys
from functools import partial

import pytest

from spacy_bridge.atomic_file import LEFT_ALONE, remove_unfinished
from spacy_bridge.corpus import command_line
from spacy_bridge.corpus.command_line import Done
from spacy_bridge.corpus.engine import run
from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.piece import Piece

PIECES = [Piece(number, "", "text", 0, 0, 1, number, "", f"{number}") for number in range(20)]


def square(piece: Piece) -> tuple:
    return piece.number**2, os.getpid()


def named(name: str, piece: Piece) -> tuple:
    return name, piece.number


def fail(folder: str, piece: Piece) -> None:
    raise ShardsError(f"{folder}: not piece {piece.number}")


def test_one_process():
    assert [number for number, _ in run(square, PIECES)] == [n * n for n in range(20)]
    assert {process for _, process in run(square, PIECES)} == {os.getpid()}


def test_one_process_needs_no_dask(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert len(list(run(square, PIECES))) == 20
    with pytest.raises(ShardsError, match=r"pip install 'allennlp-kd\[cluster\]'"):
        list(run(square, PIECES, workers=2))
    assert list(run(square, [], workers=2)) == []


@pytest.mark.slow
def test_two_processes():
    found = list(run(square, iter(PIECES), workers=2))
    assert sorted(number for number, _ in found) == [n * n for n in range(20)]
    assert os.getpid() not in {process for _, process in found}
    with pytest.raises(ShardsError, match="here: not piece"):
        list(run(partial(fail, "here"), PIECES, workers=1))


def test_two_runs_on_one_scheduler_get_their_own_results():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        runs = [
            run(partial(named, name), PIECES, scheduler=cluster.scheduler_address) for name in "AB"
        ]
        found = [[next(each)] for each in runs]  # both are under way, with pieces in the queue
        for results, rest in zip(found, runs):
            results.extend(rest)
    for name, results in zip("AB", found):
        assert sorted(results) == [(name, number) for number in range(20)]


def test_what_is_refused():
    with pytest.raises(ShardsError, match="found both: 2, tcp://there:1"):
        run(square, PIECES, workers=2, scheduler="tcp://there:1")
    with pytest.raises(ShardsError, match="at least 1, found 0"):
        run(square, PIECES, workers=0)
    with pytest.raises(ShardsError, match="the scheduler nowhere.* cannot be reached"):
        list(run(square, PIECES, scheduler="nowhere://"))


def test_what_is_reported(monkeypatch):
    monkeypatch.setattr(command_line, "EVERY", 0.0)
    file = io.StringIO()
    results = [Done("a", 10, True), Done("b", 10, False), Done("c", 20, True)]
    summary = command_line.report(results, 5, 40, file)
    assert summary.startswith("2 shards of 30 sentences made in ")
    assert summary.endswith("; 3 existed")
    assert file.getvalue().splitlines()[-1].startswith("40 of 40 sentences, ")


def test_what_a_killed_process_left_goes_in_time(tmp_path):
    for name in (".old.unfinished", ".new.unfinished", "old"):
        (tmp_path / name).write_bytes(b"half")
    then = (tmp_path / "old").stat().st_mtime - LEFT_ALONE - 1
    for name in (".old.unfinished", "old"):
        os.utime(tmp_path / name, (then, then))
    remove_unfinished(tmp_path, LEFT_ALONE)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".new.unfinished", "old"]
