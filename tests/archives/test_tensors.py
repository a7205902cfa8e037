"""Weights of both formats come out as they went in; damage is told."""

import io
import random
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.tensors import load_tensors
from allennlp_kd.archives.weight_outlines import DAMAGE, TensorOutlines, outline
from allennlp_kd.archives.weight_process import MEMORY, SECONDS


def saved(state, **options) -> bytes:
    target = io.BytesIO()
    torch.save(state, target, **options)
    return target.getvalue()


def state() -> OrderedDict:
    shared = torch.arange(12.0).view(3, 4)
    found = torch.nn.LSTM(3, 2, bidirectional=True).state_dict()
    found.update(
        part=shared[1:, :2], transposed=shared.t(), none=torch.zeros(0, 3), scalar=torch.tensor(3),
        parameter=torch.nn.Parameter(torch.ones(2)),
    )  # fmt: skip
    for name in (
        "float64",
        "float16",
        "bfloat16",
        "int64",
        "int32",
        "int16",
        "int8",
        "uint8",
        "bool",
    ):
        found[name] = torch.ones(3).to(getattr(torch, name))
    return found


@pytest.mark.parametrize("newer", [True, False])
@pytest.mark.parametrize("as_file", [True, False])
def test_what_torch_saves_is_read(newer: bool, as_file: bool, tmp_path: Path) -> None:
    expected = state()
    content = saved(expected, _use_new_zipfile_serialization=newer)
    (tmp_path / "weights.th").write_bytes(content)
    found = load_tensors(tmp_path / "weights.th" if as_file else content, "x")
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor) and found[name].dtype == tensor.dtype


def test_each_truncation_and_flips_are_told_or_change_nothing() -> None:
    whole = saved({"w": torch.arange(40.0), "v": torch.ones(2, 2).half()})
    names = {"w", "v"}
    generator = random.Random(0)
    refused = 0
    for number in range(300):
        damaged = bytearray(whole)
        if number % 3 == 0:
            del damaged[generator.randrange(len(whole)) :]
        else:
            damaged[generator.randrange(len(whole))] ^= 1 << generator.randrange(8)
        # All of them in this process, where it is quick; some through the other one, as users have it.
        try:
            found = outline(io.BytesIO(damaged))
        except DAMAGE:
            refused += 1
            found = None
        if number < 15:
            try:
                tensors = load_tensors(bytes(damaged), "x")
            except ArchiveError as error:
                assert "x" in str(error)
            else:  # a number or a name has changed; the archive's own check sum tells
                assert found is not None and len(tensors) == len(found["tensors"]) <= len(names)
    assert refused > 100


def pickled(*body: bytes) -> bytes:
    """A file of torch whose pickle is made by hand."""
    content = io.BytesIO(saved({"w": torch.zeros(4)}))
    target = io.BytesIO()
    with zipfile.ZipFile(content) as honest, zipfile.ZipFile(target, "w") as archive:
        for name in honest.namelist():
            hostile = name.endswith("data.pkl")
            archive.writestr(name, b"\x80\x04" + b"".join(body) if hostile else honest.read(name))
    return target.getvalue()


def views(count: int) -> bytes:
    shared = torch.zeros(1 << 18)
    return saved({str(number): shared.view(-1) for number in range(count)})


def doubled_entries() -> bytes:
    """A second central directory: which one counts differs between readers."""
    honest = saved({"w": torch.zeros(4)})
    return honest + saved({"w": torch.ones(4)})


# Tuples of twos, nested: to take its hash is to walk 2 ** 60 of them.
NESTED = b"}K\x01\x94" + b"".join(
    b"0h" + bytes([number]) + b"h" + bytes([number]) + b"\x86\x94" for number in range(60)
)


@pytest.mark.attack("weights that ask for much", "weights")
@pytest.mark.parametrize("content, message", [
    (pickled(b"\x96" + struct.pack("<Q", 1 << 40), b"."), "takes more than 0.25 GiB of memory"),
    (pickled(b"]" * 6_000_000, b"."), "takes more than 0.25 GiB of memory|more than 2 seconds"),
    (pickled(NESTED, b"K\x02s."), "takes more than 2 seconds"),
    (pickled(b"]\x94" + b"h\x00h\x00\x86\x94" * 3, b"c__builtin__\nexec\n."),
     "__builtin__'.'exec' is not part of a tensor"),
    (pickled(b"]" * 900 + b"a" * 899, b"."), "are a list, expected a dict"),
    (pickled(b"}X\x01\x00\x00\x00w" + b"]" * 900 + b"a" * 899, b"s."), "which is not a tensor"),
    (pickled(b"}" + b"".join(b"J" + struct.pack("<i", n) + b"Ns" for n in range(100_001)), b"."),
     "there are 100,001 tensors"),
    (views(40), "its tensors show 41,943,040 bytes, but the file has"),
    (saved({"w": torch.zeros(4)})[:-30], "damaged"),
    (b"", "damaged"),
])  # fmt: skip
def test_small_files_that_ask_for_much(
    content: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY, "0.25")
    monkeypatch.setenv(SECONDS, "2")
    with pytest.raises(ArchiveError, match=message):
        load_tensors(content, "x")


def test_one_reader_alone_decides_what_a_zip_file_holds() -> None:
    content = doubled_entries()
    found = load_tensors(content, "x")["w"]
    assert torch.equal(found, torch.ones(4))  # Python's own reading, throughout
    assert [name for name, *_ in outline(io.BytesIO(content))["tensors"]] == ["w"]


def test_shared_weights_are_read() -> None:
    shared = torch.arange(1000.0)
    found = load_tensors(saved({"a": shared, "b": shared, "c": shared[1:]}), "x")
    assert torch.equal(found["c"], shared[1:]) and torch.equal(found["a"], found["b"])


@pytest.mark.parametrize("name", [MEMORY, SECONDS])
@pytest.mark.parametrize("value", ["0", "-1", "much", "inf", "nan"])
def test_limits_that_are_none(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(
        ArchiveError, match=f"{name} must be a number of .* above 0, found '{value}'"
    ):
        load_tensors(b"", "x")


@pytest.mark.parametrize("saved_id", [
    ("module", "FloatStorage", "0", "cpu", 1), ("storage", "Path", "0", "cpu", 1),
    ("storage", "FloatStorage", "0", "cpu", -1), ("storage", "FloatStorage", "0", "cpu", True),
])  # fmt: skip
def test_storages_that_are_none(saved_id) -> None:
    import pickle

    with pytest.raises(pickle.UnpicklingError, match="is not a storage"):
        TensorOutlines(io.BytesIO()).persistent_load(saved_id)


def test_one_storage_of_two_sizes() -> None:
    import pickle

    outlines = TensorOutlines(io.BytesIO())
    outlines.persistent_load(("storage", "FloatStorage", "0", "cpu", 1))
    with pytest.raises(pickle.UnpicklingError, match="'0' occurs with two sizes"):
        outlines.persistent_load(("storage", "FloatStorage", "0", "cpu", 2))


@pytest.mark.parametrize("offset, size, stride", [
    (0, (5,), (1,)), (1, (4,), (1,)), (0, (2, 2), (3, 1)), (0, (-1,), (1,)), (0, (2,), (-1,)),
    (-1, (1,), (1,)), (0, (5,), (0,)), (0, (2,), (1, 1)), (0, (True,), (1,)),
])  # fmt: skip
def test_tensors_that_do_not_fit(offset, size, stride) -> None:
    import pickle

    outlines = TensorOutlines(io.BytesIO())
    storage = outlines.persistent_load(("storage", "FloatStorage", "0", "cpu", 4))
    with pytest.raises(pickle.UnpicklingError, match="does not fit|has the shape"):
        outlines._outline(storage, offset, size, stride, False, None)
    assert outlines._outline(storage, 0, (2, 2), (2, 1)) == (storage, 0, (2, 2), (2, 1))
