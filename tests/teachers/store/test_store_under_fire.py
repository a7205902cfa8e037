"""Stores whose writers are killed, race, find the disk full; shards of other stores."""

import json
import os
import random
import resource
import signal
import time
from types import SimpleNamespace

import numpy
import pytest
from allennlp.common.checks import ConfigurationError
from allennlp.common.util import SigTermReceived

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.store.potential_store import FORMAT, PotentialStore
from allennlp_kd.teachers.store.store_error import StoreError
from allennlp_kd.teachers.store.store_scorer import StoreScorer
from allennlp_kd.teachers.store.store_teacher import StoreTeacher

HEADER = {"fingerprint": "abc", "labels": ["O", "B"], "dtype": "float32"}
WORDS = ("the", "cat", "runs", "dog", "a", "sleeps")


def arrays(seed, size=2):
    generator = numpy.random.default_rng(seed)
    return {"emissions": generator.normal(size=(seed % 7 + 1, size)).astype("float32")}


def forked(work):
    """Runs it in a process that imports nothing and trains nothing; returns its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def write_all(folder, seeds, size=2):
    store = PotentialStore(str(folder), HEADER)
    for seed in seeds:
        store.write({f"sentence {seed}": arrays(seed, size)})


def assert_right(folder, seeds, size=2):
    """What there is, is what was written; returns how much that is."""
    store = PotentialStore(str(folder), HEADER)
    found = [seed for seed in seeds if f"sentence {seed}" in store]
    assert len(store) == len(found)
    for seed in found:
        read = store.read(f"sentence {seed}")["emissions"]
        numpy.testing.assert_array_equal(read, arrays(seed, size)["emissions"])
    return len(found)


def test_killed_writers_leave_whole_shards(tmp_path):
    generator = random.Random(0)
    folder, seeds, size = tmp_path / "store", range(60), 5000
    kept = 0
    for _ in range(12):
        writers = [forked(lambda: write_all(folder, seeds[part::3], size)) for part in range(3)]
        time.sleep(generator.uniform(0.0, 0.06))
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
            os.waitpid(writer, 0)
        if (folder / "header.json").exists():
            found = assert_right(folder, seeds, size)
            assert found >= kept
            kept = found
    assert kept > 0
    write_all(folder, seeds, size)
    assert assert_right(folder, seeds, size) == len(seeds)


def test_what_killed_writers_have_left_goes(tmp_path):
    write_all(tmp_path, [0])
    for name in (".old.unfinished", ".new.unfinished"):
        (tmp_path / name).write_bytes(b"half")
    os.utime(tmp_path / ".old.unfinished", (0, 0))
    PotentialStore(str(tmp_path))  # only reads
    assert (tmp_path / ".old.unfinished").exists()
    PotentialStore(str(tmp_path), HEADER)
    assert [path.name for path in tmp_path.glob(".*")] == [".new.unfinished"]


def test_what_another_user_has_left_stays(tmp_path, monkeypatch):
    """Whoever may read a store need not be allowed to write to its folder."""
    PotentialStore(str(tmp_path), HEADER).write({"a": arrays(1)})
    (tmp_path / ".old.unfinished").write_bytes(b"half")
    os.utime(tmp_path / ".old.unfinished", (0, 0))

    def refused(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("pathlib.Path.unlink", refused)
    assert "a" in PotentialStore(str(tmp_path), HEADER)
    assert (tmp_path / ".old.unfinished").exists()


def test_more_shards_than_a_process_may_open(tmp_path):
    folder = tmp_path / "store"
    write_all(folder, range(60))

    def limited():
        opened = len(os.listdir("/proc/self/fd"))
        resource.setrlimit(resource.RLIMIT_NOFILE, (opened + 20, opened + 20))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("allennlp_kd.teachers.store.potential_store.OPEN_FILES", 8)
            assert assert_right(folder, range(60)) == 60

    assert os.waitpid(forked(limited), 0)[1] == 0


def test_writers_at_once(tmp_path):
    folder = tmp_path / "store"
    writers = [forked(lambda: write_all(folder, range(20))) for _ in range(4)]
    assert [os.waitpid(writer, 0)[1] for writer in writers] == [0] * 4
    assert assert_right(folder, range(20)) == 20
    assert len(list(folder.iterdir())) == 4 * 20 + 1  # and nothing unfinished


def test_a_full_disk_leaves_what_was_there(tmp_path):
    """A limit on the size of files stands in for the disk."""
    folder = tmp_path / "store"
    write_all(folder, range(3))
    before = sorted(path.name for path in folder.iterdir())

    def limited():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        store = PotentialStore(str(folder), HEADER)
        try:
            store.write({"large": arrays(6, 10_000)})
        except StoreError as error:
            assert "cannot be written" in str(error) and "to continue" in str(error)
        else:
            raise AssertionError("there was no limit")
        store.write({"sentence 3": arrays(3)})  # there is room for this one

    assert os.waitpid(forked(limited), 0)[1] == 0
    assert len(list(folder.iterdir())) == len(before) + 1
    assert assert_right(folder, range(4)) == 4


def test_shards_of_another_store_are_refused(tmp_path):
    """Whoever removes the header alone, and scores with another teacher, mixes the two."""
    write_all(tmp_path, range(3))
    (tmp_path / "header.json").unlink()
    with pytest.raises(StoreError, match="belongs to another format or store; remove it") as found:
        len(PotentialStore(str(tmp_path), {**HEADER, "fingerprint": "xyz"}))
    assert all(path.name in str(found.value) for path in tmp_path.glob("*.shard"))


def test_all_damaged_shards_are_named_and_the_others_stay(tmp_path):
    write_all(tmp_path, range(4))
    damaged = sorted(tmp_path.glob("*.shard"))[:2]
    for path in damaged:
        os.truncate(path, 30)
    with pytest.raises(StoreError, match="only its sentences will be scored again") as found:
        len(PotentialStore(str(tmp_path), HEADER))
    assert all(path.name in str(found.value) for path in damaged)
    for path in damaged:
        path.unlink()
    assert assert_right(tmp_path, range(4)) == 2


def test_stores_of_the_first_format_are_read(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("allennlp_kd.teachers.store.potential_store.FORMAT", 1)
        write_all(tmp_path, range(3))
    assert json.loads((tmp_path / "header.json").read_text())["header"]["format"] == 1
    write_all(tmp_path, [3])
    assert assert_right(tmp_path, range(4)) == 4
    # But none of its shards in a store that is made now.
    (tmp_path / "header.json").unlink()
    with pytest.raises(StoreError, match="belongs to another format or store"):
        len(PotentialStore(str(tmp_path), HEADER))
    assert FORMAT == 2


def test_a_store_of_the_future_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("allennlp_kd.teachers.store.potential_store.FORMAT", 3)
        patch.setattr("allennlp_kd.teachers.store.potential_store.READABLE", (3,))
        write_all(tmp_path, range(3))
    with pytest.raises(StoreError, match="another format: expected 2, found 3; remove it"):
        PotentialStore(str(tmp_path), HEADER)


def test_a_damaged_shard_is_replaced_by_its_name(tmp_path, caplog):
    store = PotentialStore(str(tmp_path), HEADER)
    assert not store.has_shard("name")
    store.write({"a": arrays(1)}, "name")
    content = (tmp_path / "name.shard").read_bytes()
    assert store.has_shard("name")
    store.write({"b": arrays(2)}, "name")
    assert (tmp_path / "name.shard").read_bytes() == content  # a whole one stays
    for size in (0, 30, len(content) - 1):
        os.truncate(tmp_path / "name.shard", size)
        assert not PotentialStore(str(tmp_path)).has_shard("name")
        assert "name.shard is damaged" in caplog.text
        PotentialStore(str(tmp_path)).write({"a": arrays(1)}, "name")
        assert (tmp_path / "name.shard").read_bytes() == content
        caplog.clear()


def sentences(number, seed=0):
    generator = random.Random(seed)
    found = {
        tuple(generator.choice(WORDS) for _ in range(generator.randint(1, 6)))
        for _ in range(number * 3)
    }
    return [Sentence(words) for words in sorted(found)[:number]]


@pytest.fixture
def store(tagger_archive, tmp_path, monkeypatch):
    monkeypatch.setattr(StoreTeacher, "SHARD", 8)
    return StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(tagger_archive), batch_size=4)


def scores(teacher, given):
    store = teacher._open()
    return [store.read(teacher.key(each))["emissions"].tobytes() for each in given]


class TestScorers:
    def test_at_once(self, store, monkeypatch):
        """The second scores all while the first is at its third batch."""
        given = sentences(30)
        second = StoreTeacher(store.directory, store._source, batch_size=4)
        original, calls = StoreScorer._score, []

        def interrupted(self, batch):
            calls.append(batch)
            if len(calls) == 3:
                assert second.fill(given) > 0
            return original(self, batch)

        monkeypatch.setattr(StoreScorer, "_score", interrupted)
        store.fill(given)
        complete = StoreTeacher(store.directory)
        assert complete.fill(given) == 0
        alone = StoreTeacher(store.directory + " alone", store._source, batch_size=4)
        alone.fill(given)
        assert scores(complete, given) == scores(alone, given)

    @pytest.mark.parametrize(
        "at, error",
        [
            *((at, KeyboardInterrupt()) for at in range(1, 8)),
            (4, SigTermReceived()),
            (4, RuntimeError("CUDA out of memory")),
            (4, ValueError("the teacher's scores contain NaN")),
        ],
    )
    def test_whatever_stops_it_keeps_all_that_it_scored(
        self, store, monkeypatch, caplog, at, error
    ):
        given = sentences(30)
        original, calls = StoreScorer._score, []

        def interrupted(self, batch):
            calls.append(batch)
            if len(calls) == at:
                raise error
            return original(self, batch)

        with monkeypatch.context() as patch, pytest.raises(type(error)):
            patch.setattr(StoreScorer, "_score", interrupted)
            store.fill(given)
        assert "The scores so far are kept in" in caplog.text
        again = StoreTeacher(store.directory, store._source, batch_size=4)
        assert again.fill(given) == 30 - 4 * (at - 1)
        alone = StoreTeacher(store.directory + " alone", store._source, batch_size=4)
        alone.fill(given)
        assert scores(again, given) == scores(alone, given)

    def test_a_full_disk(self, store, monkeypatch):
        given = sentences(30)
        original, calls = os.fsync, []

        def full(handle):
            calls.append(handle)
            if len(calls) > 5:  # the header and two shards, each with its folder, are there
                raise OSError(28, "No space left on device")
            return original(handle)

        with monkeypatch.context() as patch:
            patch.setattr("os.fsync", full)
            expected = "No space left .* so far are kept; free some disk space"
            with pytest.raises(ConfigurationError, match=expected):
                store.fill(given)
        again = StoreTeacher(store.directory, store._source)
        assert 0 < again.fill(given) < 30
        assert again.fill(given) == 0

    def test_no_room(self, store, monkeypatch):
        usage = SimpleNamespace(free=100)
        expected = "has too little space: 30 sentences with .* words .* need about .*float16"
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda path: usage)
            with pytest.raises(ConfigurationError, match=expected):
                store.fill(sentences(30))
            with pytest.raises(ConfigurationError, match=expected):
                store.write_shard("name", sentences(30))
        # The advice can be followed.
        half = StoreTeacher(store.directory, store._source, dtype="float16", marginals=True)
        assert half.fill(sentences(30)) == 30
        assert StoreTeacher(store.directory).provides == {"marginals"}
        with monkeypatch.context() as patch:
            patch.setattr("shutil.disk_usage", lambda path: usage)
            whole = StoreTeacher(store.directory + " whole", store._source)
            whole._open().write({whole.key(sentences(1)[0]): arrays(1)})
            with pytest.raises(
                ConfigurationError, match="which an empty store accepts, they need half"
            ):
                whole.fill(sentences(30))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_what_it_takes_is_known_beforehand(tagger_archive, tmp_path, dtype):
    store = StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(tagger_archive), dtype=dtype)
    given = sentences(40)
    store.fill(given[:10])
    before = sum(path.stat().st_size for path in (tmp_path / "store").glob("*.shard"))
    need = store.need(given)
    assert need.sentences == 30 and need.words == sum(len(each.words) for each in given[10:])
    store.fill(given)
    taken = sum(path.stat().st_size for path in (tmp_path / "store").glob("*.shard")) - before
    assert need.size == pytest.approx(taken, rel=0.05)
    assert str(need).startswith("30 sentences with ")
