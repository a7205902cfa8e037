"""Weights of both formats come out as they went in; damage is told."""

import io
import random
from collections import OrderedDict
from pathlib import Path

import pytest
import torch

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.tensor_unpickler import TensorOutlines, TensorUnpickler
from allennlp_kd.archives.tensors import load_tensors


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


def test_the_unpickler_of_older_torch() -> None:
    """The one that torch before 1.13 uses, on either."""
    from types import SimpleNamespace

    def load(file, **options):
        return TensorUnpickler(file, **options).load()

    module = SimpleNamespace(Unpickler=TensorUnpickler, load=load, __name__="tensors")
    for newer in (True, False):
        content = io.BytesIO(saved(state(), _use_new_zipfile_serialization=newer))
        options = {} if torch.__version__.startswith("1.12") else {"weights_only": False}
        found = torch.load(content, pickle_module=module, **options)
        assert torch.equal(found["transposed"], state()["transposed"])


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
        try:
            found = load_tensors(bytes(damaged), "x")
        except ArchiveError as error:
            assert "x" in str(error)
            refused += 1
        else:  # a number or a name has changed; the archive's own check sum tells
            assert all(torch.is_tensor(tensor) for tensor in found.values())
            assert len(found) <= len(names)
    assert refused > 100


@pytest.mark.parametrize("saved_id", [
    ("module", "FloatStorage", "0", "cpu", 1), ("storage", "Path", "0", "cpu", 1),
    ("storage", "FloatStorage", "0", "cpu", -1), ("storage", "FloatStorage", "0", "cpu", True),
])  # fmt: skip
def test_storages_that_are_none(saved_id) -> None:
    import pickle

    with pytest.raises(pickle.UnpicklingError, match="is no storage"):
        TensorOutlines(io.BytesIO()).persistent_load(saved_id)


def test_one_storage_of_two_sizes() -> None:
    import pickle

    outlines = TensorOutlines(io.BytesIO())
    outlines.persistent_load(("storage", "FloatStorage", "0", "cpu", 1))
    with pytest.raises(pickle.UnpicklingError, match="'0' is there with two sizes"):
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
    assert outlines._outline(storage, 0, (2, 2), (2, 1)) == (2, 2)
