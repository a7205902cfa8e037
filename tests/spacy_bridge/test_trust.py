"""Damaged, foreign and hostile packages are refused with a reason, and nothing outside is read."""

import json
import os
import random
import shutil
import struct
import sys
from pathlib import Path
from typing import Any, Dict, List

import numpy
import onnx
import pytest
import spacy
from onnx import TensorProto, helper

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.manifest import MANIFEST, read_files, sum_up, write_files
from spacy_bridge.runtime.onnx_guard import refuse_external_data
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.session import LazySession
from spacy_bridge.runtime.tensors import dump_tensors, load_tensors
from tests.spacy_bridge.pipelines import packaged, pipeline


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(packaged("tagger"), tmp_path / "student"))


def changed(folder: Path, name: str, content: bytes) -> None:
    """Replaces a file, with a manifest that fits: as somebody who means harm would."""
    files = read_files(folder)
    files[name] = content
    write_files(folder, files)


def settings(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / "settings.json").read_text())
    changed(folder, "settings.json", json.dumps({**content, **changes}).encode())


def test_one_flipped_byte_anywhere(folder: Path) -> None:
    places = random.Random(3)
    for path in sorted(folder.iterdir()):
        content = bytearray(path.read_bytes())
        some = range(len(content)) if len(content) < 600 else places.sample(range(len(content)), 10)
        for place in some:
            for bit in (0, 5):
                content[place] ^= 1 << bit
                path.write_bytes(content)
                with pytest.raises(PackageError):
                    open_student(folder)
                content[place] ^= 1 << bit
        path.write_bytes(content)
    open_student(folder)


def test_the_error_of_a_flipped_byte_names_the_file(folder: Path) -> None:
    content = bytearray((folder / "network.onnx").read_bytes())
    content[100] ^= 1
    (folder / "network.onnx").write_bytes(content)
    with pytest.raises(
        PackageError, match="network.onnx is damaged: its SHA-256 sum is .*, expected"
    ):
        open_student(folder)


def test_a_flipped_byte_shows_through_spacy(tmp_path: Path) -> None:
    nlp = pipeline("ner")
    nlp.to_disk(tmp_path / "nlp")
    path = tmp_path / "nlp" / "ner" / "weights.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(PackageError, match="weights.safetensors is damaged"):
        spacy.load(tmp_path / "nlp")
    data = bytearray(nlp.get_pipe("ner").to_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(PackageError, match="damaged"):
        nlp.get_pipe("ner").from_bytes(bytes(data))
    for bad in (b"", b"\xc1", b"\x01"):
        with pytest.raises(PackageError, match="the bytes of 'ner' are damaged"):
            nlp.get_pipe("ner").from_bytes(bad)


def test_missing_files(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        path.rename(folder / "elsewhere")
        with pytest.raises(PackageError, match=path.name):
            open_student(folder)
        (folder / "elsewhere").rename(path)
    with pytest.raises(PackageError, match="is missing"):
        open_student(folder / "nowhere")


def test_a_file_that_the_manifest_does_not_ask_for(folder: Path) -> None:
    for name in ("network.onnx", "vocabulary.json", "settings.json", "input0.onnx"):
        files = read_files(folder)
        del files[name]
        with pytest.raises(PackageError, match=name):
            open_student({**files, MANIFEST: sum_up(files)})


@pytest.mark.parametrize("version", [2, 999, "1", None, 0])
def test_versions_of_the_future(folder: Path, version: Any) -> None:
    content = json.loads((folder / MANIFEST).read_bytes())
    content["format_version"] = version
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    (folder / MANIFEST).write_text(text)
    with pytest.raises(
        PackageError, match=f"format version {version!r}, but this allennlp-kd reads"
    ):
        open_student(folder)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kind": "translator"}, "unknown component 'translator', expected one of parser, tagger"),
        ({"encoding": "BILOU"}, "the encoding must be one of BIO, .* found 'BILOU'"),
        ({"labels": ["O"]}, "1 labels, but moves between 5"),
        ({"inputs": {"x": {"type": "elmo"}}}, "the input 'x' is of an unknown type 'elmo'"),
        ({"inputs": {"x": {"type": "embedding"}}}, "lacks or misnames 'vocabulary'"),
    ],
)
def test_settings_that_make_no_sense(folder: Path, changes: Dict[str, Any], message: str) -> None:
    settings(folder, **changes)
    with pytest.raises(PackageError, match=message):
        open_student(folder)


def test_unknown_decoder(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(packaged("parser"), tmp_path / "student"))
    settings(folder, decoder="best")
    with pytest.raises(PackageError, match="the decoder must be one of exact, stock, found 'best'"):
        open_student(folder)


def test_files_that_are_not_what_they_say(folder: Path) -> None:
    for name, content, message in (
        ("settings.json", b"[1]", "settings.json must hold an object, found list"),
        ("vocabulary.json", b"{", "vocabulary.json is not JSON"),
        ("weights.safetensors", b"123", "weights.safetensors is not a safetensors file"),
        ("network.onnx", b"\xff" * 9, "network.onnx is not an ONNX file"),
    ):
        files = read_files(folder)
        files[name] = content
        with pytest.raises(PackageError, match=message):
            open_student({**files, MANIFEST: sum_up(files)})


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "/etc/passwd", "..", "", ".x", "C:x", "a\\b", MANIFEST]
)
def test_manifests_that_lead_elsewhere(folder: Path, name: str) -> None:
    content = {"files": {name: "0" * 64}, "format_version": 1}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    (folder / MANIFEST).write_text(text)
    with pytest.raises(PackageError, match="a packaged file needs a plain name"):
        open_student(folder)


def test_links_that_lead_elsewhere(folder: Path, tmp_path: Path) -> None:
    (folder / "network.onnx").rename(tmp_path / "network.onnx")
    os.symlink(tmp_path / "network.onnx", folder / "network.onnx")
    with pytest.raises(PackageError, match="network.onnx is a link that leads out of the folder"):
        open_student(folder)


def external(place: str, location: str = "../../secret") -> bytes:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], numpy.zeros(1, "float32"))
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", location
    out = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    if place == "initializer":
        graph = helper.make_graph(
            [helper.make_node("Identity", ["w"], ["y"])], "g", [], out, [tensor]
        )
    elif place == "constant":
        graph = helper.make_graph(
            [helper.make_node("Constant", [], ["y"], value=tensor)], "g", [], out
        )
    elif place == "sparse":
        graph = helper.make_graph([], "g", [], out)
        graph.sparse_initializer.add().values.CopyFrom(tensor)
    else:
        inner = helper.make_graph([], "inner", [], out, [tensor])
        condition = helper.make_tensor("c", TensorProto.BOOL, [], [True])
        nodes = [
            helper.make_node("Constant", [], ["c"], value=condition),
            helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
        ]
        graph = helper.make_graph(nodes, "g", [], out)
    return helper.make_model(graph).SerializeToString()


@pytest.mark.parametrize("place", ["initializer", "constant", "sparse", "branch"])
def test_weights_in_another_file_are_refused(place: str) -> None:
    with pytest.raises(PackageError, match=r"x takes weights from another file.*secret"):
        LazySession(external(place), "x")


def test_a_location_without_a_path_is_refused() -> None:
    model = onnx.load_from_string(external("initializer"))
    del model.graph.initializer[0].external_data[:]
    with pytest.raises(PackageError, match="takes weights from another file"):
        refuse_external_data(model.SerializeToString(), "x")


def test_own_graphs_pass_and_cut_ones_do_not() -> None:
    content = (packaged("parser") / "network.onnx").read_bytes()
    refuse_external_data(content, "x")
    with pytest.raises(PackageError, match="x is not an ONNX file that can be read"):
        refuse_external_data(content[:-1], "x")


def test_a_graph_that_onnx_runtime_refuses() -> None:
    graph = helper.make_graph(
        [helper.make_node("NoSuchOperator", ["x"], ["y"], domain="evil")],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    session = LazySession(helper.make_model(graph).SerializeToString(), "network.onnx")
    with pytest.raises(PackageError, match="ONNX Runtime cannot open network.onnx"):
        session(x=numpy.zeros(1, "float32"))


def test_no_file_outside_is_read(tmp_path: Path) -> None:
    nlp = pipeline()
    nlp("warm").to_bytes()
    nlp.to_disk(tmp_path / "nlp")
    opened: List[Path] = []
    watching = True

    def watch(event: str, arguments: Any) -> None:
        if watching and event == "open" and isinstance(arguments[0], (str, bytes)):
            opened.append(Path(os.fsdecode(arguments[0])).resolve())

    sys.addaudithook(watch)  # it cannot be taken away again, so it is switched off
    spacy.load(tmp_path / "nlp")("The fox jumps.")
    watching = False
    inside = [path for path in opened if (tmp_path / "nlp").resolve() in path.parents]
    assert {path.name for path in inside} >= {
        "network.onnx",
        "weights.safetensors",
        "settings.json",
    }
    code = (".py", ".pyc", ".so", ".pth", "")  # imports and folders
    assert [path for path in opened if path not in inside and path.suffix not in code] == []


def safetensors_file(header: Any, body: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def test_tensors_round_trip() -> None:
    tensors = {
        "a": numpy.arange(6, dtype="float32").reshape(2, 3).T,
        "b": numpy.ones((0, 3), "float16"),
        "é": numpy.array([1, 2, 255], "uint8"),
        "scalar": numpy.array(3, "float32"),
    }
    content = dump_tensors(tensors)
    assert dump_tensors(dict(reversed(list(tensors.items())))) == content
    found = load_tensors(content, "x")
    assert set(found) == set(tensors)
    for name, tensor in found.items():
        assert tensor.dtype == tensors[name].dtype and tensor.shape == tensors[name].shape
        assert (tensor == tensors[name]).all() and not tensor.flags.writeable
    with pytest.raises(ValueError, match="x must be one of .*, found int64"):
        dump_tensors({"x": numpy.zeros(1, "int64")})


@pytest.mark.parametrize("content, message", [
    (b"", "is not a safetensors file"),
    (struct.pack("<Q", 2**63) + b"{}", "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, b"0" * 4),
     "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"0" * 8),
     "is not a safetensors file"),
    (safetensors_file(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
                      b'"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}', b"0" * 8),
     "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}}),
     "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"0" * 5),
     "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1] * 1000, "data_offsets": [0, 4]}}, b"0" * 4),
     "is not a safetensors file"),
    (safetensors_file(b'{"a":' + b"[" * 100_000), "is not a safetensors file"),
    (safetensors_file({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, b"0" * 8),
     "'a' is of type float64"),
    (safetensors_file({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"00"),
     "the unknown type 'BF16'"),
])  # fmt: skip
def test_tensors_that_are_none(content: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        load_tensors(content, "x")
