import json
import os
import random
import struct

import numpy
import pytest

from allennlp_kd.teachers.store.potential_store import FORMAT, PotentialStore
from allennlp_kd.teachers.store.shard_files import MAGIC, PREFIX, digest_of, entries_of
from allennlp_kd.teachers.store.store_error import StoreError

HEADER = {"fingerprint": "abc", "labels": ["O", "B"], "dtype": "float32"}


def arrays(seed: int):
    generator = numpy.random.default_rng(seed)
    return {"emissions": generator.normal(size=(seed + 1, 2)).astype("float32")}


@pytest.fixture
def folder(tmp_path):
    store = PotentialStore(str(tmp_path / "store"), HEADER)
    store.write({f"sentence {seed}": arrays(seed) for seed in range(3)})
    return tmp_path / "store"


def test_what_is_written_is_read(folder):
    store = PotentialStore(str(folder), HEADER)
    assert len(store) == 3 and "sentence 1" in store and "sentence 3" not in store
    for seed in range(3):
        found = store.read(f"sentence {seed}")
        assert list(found) == ["emissions"]
        numpy.testing.assert_array_equal(found["emissions"], arrays(seed)["emissions"])
    assert store.header["labels"] == ["O", "B"]


def test_several_arrays_of_several_types(tmp_path):
    store = PotentialStore(str(tmp_path / "store"), HEADER)
    given = {"a": numpy.arange(6, dtype="float16").reshape(2, 3), "b": numpy.zeros((0, 4), "int32")}
    store.write({"x": given})
    for name, array in PotentialStore(str(tmp_path / "store")).read("x").items():
        assert array.dtype == given[name].dtype
        numpy.testing.assert_array_equal(array, given[name])


def test_a_missing_sentence_is_a_key_error(folder):
    with pytest.raises(KeyError):
        PotentialStore(str(folder)).read("sentence 3")


def test_shards_of_other_workers_are_taken_up(folder):
    first, second = PotentialStore(str(folder), HEADER), PotentialStore(str(folder), HEADER)
    second.write({"late": arrays(5)})
    assert "late" in first  # which looks into them only now
    second.write({"later": arrays(6)})
    assert "later" not in first
    first.refresh()
    numpy.testing.assert_array_equal(first.read("late")["emissions"], arrays(5)["emissions"])


@pytest.mark.parametrize("name,value", [("fingerprint", "xyz"), ("dtype", "float16")])
def test_a_store_of_another_kind_is_refused(folder, name, value):
    expected, found = value, HEADER[name]
    with pytest.raises(StoreError, match=f"another {name}: expected {expected}, found {found}"):
        PotentialStore(str(folder), {**HEADER, name: value})


def test_a_format_of_the_future_is_refused(folder):
    (shard,) = folder.glob("*.shard")
    content = bytearray(shard.read_bytes())
    struct.pack_into("<I", content, PREFIX.size - 28, 99)
    shard.write_bytes(content)
    with pytest.raises(StoreError, match="damaged, or belongs to another format"):
        len(PotentialStore(str(folder)))


def test_no_store(tmp_path):
    with pytest.raises(StoreError, match="the store .* does not exist"):
        PotentialStore(str(tmp_path / "nothing"))


def read_all(folder):
    store = PotentialStore(str(folder), HEADER)
    return {seed: store.read(f"sentence {seed}")["emissions"] for seed in range(3)}


@pytest.mark.parametrize("pattern,flips", [("*.shard", 1000), ("header.json", 300)])
def test_every_flipped_bit_is_detected(folder, pattern, flips):
    generator = random.Random(0)
    (file,) = folder.glob(pattern)
    whole = file.read_bytes()
    for _ in range(flips):
        damaged = bytearray(whole)
        place = generator.randrange(len(damaged))
        damaged[place] ^= 1 << generator.randrange(8)
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match=f"{file.name} is damaged.*; remove"):
            read_all(folder)
    file.write_bytes(whole)
    read_all(folder)


def test_a_shard_that_is_cut_off_anywhere_is_detected(folder):
    (shard,) = folder.glob("*.shard")
    whole = shard.read_bytes()
    for length in range(len(whole)):
        shard.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=f"{shard.name} is damaged"):
            read_all(folder)
    assert length > PREFIX.size


def test_a_write_that_fails_leaves_nothing(folder, monkeypatch):
    before = sorted(path.name for path in folder.iterdir())

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(
        StoreError, match="cannot be written: .*No space left.* free some disk space"
    ):
        PotentialStore(str(folder), HEADER).write({"late": arrays(5)})
    assert sorted(path.name for path in folder.iterdir()) == before


def test_who_only_wants_the_header_reads_no_shard(folder):
    (shard,) = folder.glob("*.shard")
    shard.write_bytes(b"damaged")
    store = PotentialStore(str(folder), HEADER)
    store.write({"late": arrays(5)})
    for _ in range(2):  # what is wrong is not said once alone
        with pytest.raises(StoreError, match=f"{shard.name} is damaged"):
            len(store)
    shard.unlink()
    assert "late" in store and "sentence 1" not in store


@pytest.mark.parametrize(
    "change", [lambda shard: shard.unlink(), lambda shard: os.truncate(shard, 0)]
)
def test_a_shard_that_goes_while_it_is_read(folder, change):
    store = PotentialStore(str(folder))
    assert "sentence 1" in store
    (shard,) = folder.glob("*.shard")
    change(shard)
    with pytest.raises(StoreError, match=f"{shard.name} cannot be read: "):
        store.read("sentence 1")


def test_of_two_who_make_it_at_once_the_first_one_wins(tmp_path):
    same, other = (
        PotentialStore(str(tmp_path / "store"), {**HEADER, "fingerprint": fingerprint})
        for fingerprint in ("abc", "xyz")
    )
    PotentialStore(str(tmp_path / "store"), HEADER).write({"a": arrays(1)}, "first")
    same.write({"b": arrays(2)}, "second")
    with pytest.raises(StoreError, match="expected xyz, found abc .it is another teacher"):
        other.write({"c": arrays(3)})
    names = sorted(path.name for path in (tmp_path / "store").iterdir())
    assert names == ["first.shard", "header.json", "second.shard"]
    assert len(PotentialStore(str(tmp_path / "store"))) == 2


def test_a_store_that_holds_nothing_is_bound_to_nothing(tmp_path):
    folder = tmp_path / "store"
    first = PotentialStore(str(folder), HEADER)
    assert "a" not in first and len(first) == 0
    assert not folder.exists()
    first.write({"a": arrays(1)})
    next(folder.glob("*.shard")).unlink()  # as if killed after the header
    changed = {**HEADER, "dtype": "float16", "marginals": True}
    second, third = PotentialStore(str(folder), changed), PotentialStore(str(folder), HEADER)
    assert second.header["dtype"] == "float16" and second.header["marginals"]
    assert PotentialStore(str(folder)).header["dtype"] == "float32"  # nothing is written yet
    second.write({"b": arrays(2)})
    assert PotentialStore(str(folder)).header == second.header
    numpy.testing.assert_array_equal(
        PotentialStore(str(folder), changed).read("b")["emissions"], arrays(2)["emissions"]
    )
    with pytest.raises(StoreError, match="another dtype: expected float32, found float16"):
        third.write({"c": arrays(3)})  # which found it empty
    with pytest.raises(StoreError, match="another dtype: expected float32, found float16"):
        PotentialStore(str(folder), HEADER)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    store = PotentialStore(str(tmp_path / "file" / "store"), HEADER)
    with pytest.raises(StoreError, match="cannot be created: .*[Nn]ot a directory"):
        store.write({"a": arrays(1)})


def test_no_links(tmp_path, monkeypatch):
    def unsupported(source, target):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", unsupported)
    PotentialStore(str(tmp_path), HEADER).write({"a": arrays(1)})
    assert "a" in PotentialStore(str(tmp_path), HEADER)


def test_others_may_read_it(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o775)
    PotentialStore(str(tmp_path / "store"), HEADER).write({"a": arrays(1)})
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "store").iterdir()} == {0o664}


@pytest.mark.parametrize("header", [None, {"a": 1}])
def test_a_path_that_is_a_file(header, tmp_path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(StoreError, match="is a file, expected a folder"):
        PotentialStore(str(tmp_path / "store"), header)


def test_a_header_that_cannot_be_read(tmp_path) -> None:
    (tmp_path / "header.json").mkdir()
    with pytest.raises(StoreError, match="header.json cannot be read: it is not a file"):
        PotentialStore(str(tmp_path))
    (tmp_path / "header.json").rmdir()
    (tmp_path / "header.json").write_text("[" * 100_000)
    with pytest.raises(StoreError, match="header.json is damaged"):
        PotentialStore(str(tmp_path))


HONEST = [0, 8, "0" * 32, [["a", "<f4", [2]]]]


@pytest.mark.attack("index", "store")
@pytest.mark.parametrize("index", [
    "[" * 100_000, "[]", "3", '{"x": 3}', json.dumps({"x": [0, 8]}),
    json.dumps({"x": [0, 8, "", 3]}), json.dumps({"x": [-8, 8, "", HONEST[3]]}),
    json.dumps({"x": ["0", 8, "", HONEST[3]]}), json.dumps({"x": [0, 1 << 60, "", HONEST[3]]}),
    json.dumps({"x": [0, 8, "", [["a", "|O", [1]]]]}), json.dumps({"x": [0, 8, "", [["a", "<f4", [-2]]]]}),
    json.dumps({"x": [0, 8, "", [["a", "<f4", ["2"]]]]}), json.dumps({"x": [0, 8, "", [[3, "<f4", [2]]]]}),
    json.dumps({"x": [0, 1 << 62, "", [["a", "<f4", [1 << 60]]]]}),
])  # fmt: skip
def test_an_index_that_makes_no_sense(index, tmp_path) -> None:
    """With digests that fit: as somebody who means harm would."""
    content = index.encode()
    head = PREFIX.pack(MAGIC, FORMAT, len(content), digest_of(content))
    (tmp_path / "x.shard").write_bytes(head + content + bytes(8))
    with pytest.raises(
        StoreError, match="x.shard is damaged: (its index is invalid|it is truncated)"
    ):
        entries_of(tmp_path / "x.shard", FORMAT, lambda packed: digest_of(packed))


def test_an_index_by_hand_is_read(tmp_path) -> None:
    content = json.dumps({"x": HONEST}).encode()
    head = PREFIX.pack(MAGIC, FORMAT, len(content), digest_of(content))
    (tmp_path / "x.shard").write_bytes(head + content + bytes(8))
    assert set(entries_of(tmp_path / "x.shard", FORMAT, lambda packed: digest_of(packed))) == {"x"}


@pytest.mark.attack("pipes for files", "store")
def test_pipes_are_not_waited_for(folder) -> None:
    os.mkfifo(folder / "x.shard")
    with pytest.raises(StoreError, match="x.shard cannot be read: it is not a file"):
        len(PotentialStore(str(folder)))
    (folder / "header.json").unlink()
    os.mkfifo(folder / "header.json")
    with pytest.raises(StoreError, match="header.json cannot be read: it is not a file"):
        PotentialStore(str(folder))
