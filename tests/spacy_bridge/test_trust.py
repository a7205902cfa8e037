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

from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.packaging.networks.graph import Graph
from spacy_bridge.runtime.manifest import MANIFEST, read_files, sum_up, write_files
from spacy_bridge.runtime.networks.onnx_guard import check_graph
from spacy_bridge.runtime.networks.operators import OPERATORS
from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.networks.tensors import dump_tensors, load_tensors
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_student import WEIGHTS
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


@pytest.mark.attack("flipped bits", "package")
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
        PackageError, match="network.onnx is damaged: its SHA-256 checksum is .*, expected"
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


@pytest.mark.attack("manifest", "package")
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


@pytest.mark.attack("manifest", "package")
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


@pytest.mark.attack("settings", "package")
@pytest.mark.parametrize(
    "changes, message",
    [
        ({"kind": "translator"}, "unknown component 'translator', expected one of parser, tagger"),
        ({"encoding": "BILOU"}, "the encoding must be one of BIO, .* found 'BILOU'"),
        ({"labels": ["O"]}, "there are 1 labels, but transitions between 5"),
        ({"inputs": {"x": {"type": "elmo"}}}, "the input 'x' is of an unknown type 'elmo'"),
        ({"inputs": {"x": {"type": "embedding"}}}, "lacks or misnames 'vocabulary'"),
        ({"kind": ["tagger"]}, r"unknown component \['tagger'\]"),
        ({"kind": None}, "unknown component None"),
        ({"labels": 3}, "do not match"),
        ({"labels": None}, "do not match"),
        ({"inputs": 3}, "do not match"),
        ({"inputs": {"x": 3}}, "do not match"),
        ({"inputs": {"x": {"type": []}}}, "of an unknown type|do not match"),
    ],
)
def test_settings_that_make_no_sense(folder: Path, changes: Dict[str, Any], message: str) -> None:
    settings(folder, **changes)
    with pytest.raises(PackageError, match=message):
        open_student(folder)


@pytest.mark.attack("settings", "package")
@pytest.mark.parametrize("threads", [0, -1, 257, 100_000])
def test_threads_that_no_machine_has(folder: Path, threads: int) -> None:
    with pytest.raises(PackageError, match=f"threads must be from 1 to 256, found {threads}"):
        open_student(folder, threads)
    with pytest.raises(BridgeError, match=f"threads must be at .*, found {threads}"):
        spacy.blank("en").add_pipe("kd_ner", config={"threads": threads})


@pytest.mark.attack("settings", "package")
@pytest.mark.parametrize("option, value, message", [
    ("size", 10**9, "size must be from 0 to 65,536, found 1,000,000,000"),
    ("size", -1, "size must be from 0 to 65,536, found -1"),
    ("min_characters", 10**9, "min_characters must be from 0 to 1,000, found 1,000,000,000"),
    ("byte_encoding", "idna", "byte_encoding must be one of .*, found 'idna'"),
    ("start", [1] * 1000, "start has 1,000 pieces; at most 100"),
])  # fmt: skip
def test_sizes_that_no_student_has(folder: Path, option: str, value: Any, message: str) -> None:
    inputs = json.loads((folder / "settings.json").read_text())["inputs"]
    (name,) = (name for name, part in inputs.items() if part["type"] == "characters")
    settings(folder, inputs={**inputs, name: {**inputs[name], option: value}})
    with pytest.raises(PackageError, match=message):
        open_student(folder)


@pytest.mark.parametrize("value", [numpy.nan, numpy.inf, -numpy.inf])
@pytest.mark.parametrize("name", ["transitions", "start", "end"])
def test_transition_weights_are_finite(folder: Path, name: str, value: float) -> None:
    tensors = load_tensors((folder / WEIGHTS).read_bytes(), str(folder))
    tensors[name] = numpy.where(tensors[f"{name}.allowed"] > 0, value, tensors[name])
    changed(folder, WEIGHTS, dump_tensors(tensors))
    with pytest.raises(PackageError, match=f"transition weights must be finite, found {value}"):
        open_student(folder)


@pytest.mark.parametrize("more_rows, more_tags", [(1, 0), (-1, 0), (0, 1), (0, -1)])
def test_a_network_returns_scores_for_each_word_and_tag(
    folder: Path, more_rows: int, more_tags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = open_student(folder)
    tags = len(student.labels)
    wrong = numpy.zeros((3 + more_rows, tags + more_tags), numpy.float32)
    monkeypatch.setattr(student, "_network", lambda **inputs: [wrong])
    with pytest.raises(PackageError, match=rf"must return shape \(3, {tags}\), found"):
        student([["a", "b"], ["c"]])


def test_unknown_decoder(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(packaged("parser"), tmp_path / "student"))
    settings(folder, decoder="best")
    with pytest.raises(PackageError, match="the decoder must be one of exact, stock, found 'best'"):
        open_student(folder)


@pytest.mark.attack("settings", "package")
def test_files_that_are_not_what_they_say(folder: Path) -> None:
    for name, content, message in (
        ("settings.json", b"[1]", "settings.json must contain an object, found list"),
        ("vocabulary.json", b"{", "vocabulary.json is not JSON"),
        ("vocabulary.json", b"[" * 100_000, "vocabulary.json is not JSON"),
        ("vocabulary.json", b'{"tokens": 3, "token_characters": 3}', "do not match"),
        ("weights.safetensors", b"123", "weights.safetensors is not a readable safetensors file"),
        ("network.onnx", b"\xff" * 9, "network.onnx is not a readable ONNX file"),
    ):
        files = read_files(folder)
        files[name] = content
        with pytest.raises(PackageError, match=message):
            open_student({**files, MANIFEST: sum_up(files)})


@pytest.mark.attack("manifest", "package")
@pytest.mark.parametrize(
    "name", ["../x", "a/b", "/etc/passwd", "..", "", ".x", "C:x", "a\\b", MANIFEST]
)
def test_manifests_that_lead_elsewhere(folder: Path, name: str) -> None:
    content = {"files": {name: "0" * 64}, "format_version": 1}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    (folder / MANIFEST).write_text(text)
    with pytest.raises(PackageError, match="the name of a packaged file must not contain a folder"):
        open_student(folder)


def test_links_are_followed_and_their_content_is_checked(folder: Path, tmp_path: Path) -> None:
    """A cache of Hugging Face links each file to a blob, and some installers link files to their cache."""
    for number, path in enumerate(sorted(folder.iterdir())):
        path.rename(tmp_path / f"blob{number}")
        path.symlink_to(os.path.relpath(tmp_path / f"blob{number}", folder))
    open_student(folder)
    (tmp_path / "other").write_bytes(b"other")
    (folder / "network.onnx").unlink()
    (folder / "network.onnx").symlink_to(tmp_path / "other")
    with pytest.raises(PackageError, match="network.onnx is damaged: its SHA-256 checksum is"):
        open_student(folder)
    for target in (tmp_path / "nowhere", tmp_path, Path("/dev/zero")):
        (folder / "network.onnx").unlink()
        (folder / "network.onnx").symlink_to(target)
        with pytest.raises(PackageError, match="network.onnx is missing"):
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


@pytest.mark.attack("graph: other files", "package")
@pytest.mark.parametrize("place", ["initializer", "constant", "branch"])
def test_weights_in_another_file_are_refused(place: str) -> None:
    with pytest.raises(PackageError, match=r"x reads weights from another file.*secret"):
        LazySession(external(place), "x")


@pytest.mark.attack("graph: other files", "package")
def test_sparse_tensors_are_refused() -> None:
    with pytest.raises(PackageError, match="a graph has the unknown field 15"):
        LazySession(external("sparse"), "x")


@pytest.mark.attack("graph: other files", "package")
def test_a_location_without_a_path_is_refused() -> None:
    model = onnx.load_from_string(external("initializer"))
    del model.graph.initializer[0].external_data[:]
    with pytest.raises(PackageError, match="reads weights from another file"):
        check_graph(model.SerializeToString(), "x")
    model.graph.initializer[0].data_location = TensorProto.DEFAULT
    model.graph.initializer[0].raw_data = bytes(4)
    check_graph(model.SerializeToString(), "x")


@pytest.mark.attack("graph: spelling", "package")
def test_own_graphs_pass_and_cut_ones_do_not() -> None:
    content = (packaged("parser") / "network.onnx").read_bytes()
    check_graph(content, "x")
    for bad in (content[:-1], content[1:], b"", b"\0"):
        with pytest.raises(PackageError, match="x is not a readable ONNX file"):
            check_graph(bad, "x")


def varint(value: int, groups: int = 0) -> bytes:
    """A number, with trailing zero groups where it is to have more than it needs."""
    found = []
    while value >= 128 or len(found) + 1 < groups:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def behind(tag: bytes, content: bytes) -> bytes:
    return tag + varint(len(content)) + content


@pytest.mark.attack("graph: spelling", "package")
@pytest.mark.parametrize("place", ["model", "graph", "tensor"])
@pytest.mark.parametrize("tag", ["64 bits", "five groups", "ten groups"])
def test_fields_behind_tags_that_are_read_differently(place: str, tag: str) -> None:
    """Protocol Buffers takes the lower 32 bits of a tag; whoever takes 64 sees another field."""
    model = onnx.load_from_string(external("initializer"))
    number = {"model": 7, "graph": 5, "tensor": 13}[place]
    plain = number << 3 | 2
    odd = {
        "64 bits": varint(plain | 1 << 32),
        "five groups": varint(plain, 5),
        "ten groups": varint(plain, 10),
    }[tag]
    tensor = model.graph.initializer[0]
    if place == "tensor":
        entry = tensor.external_data[0].SerializeToString()
        bare = TensorProto()
        bare.CopyFrom(tensor)
        bare.ClearField("external_data")
        bare.ClearField("data_location")
        inner = bare.SerializeToString() + behind(odd, entry)
        del model.graph.initializer[:]
        body = model.graph.SerializeToString() + behind(varint(5 << 3 | 2), inner)
    else:
        del model.graph.initializer[:]
        graph_tag = odd if place == "graph" else varint(5 << 3 | 2)
        body = model.graph.SerializeToString() + behind(graph_tag, tensor.SerializeToString())
    model.ClearField("graph")
    model_tag = odd if place == "model" else varint(7 << 3 | 2)
    content = model.SerializeToString() + behind(model_tag, body)
    with pytest.raises(PackageError, match="x is not a readable ONNX file: (the tag|a number)"):
        check_graph(content, "x")


def graph_of(*nodes: Any, **changes: Any) -> bytes:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph(list(nodes), "g", [value], [])
    return helper.make_model(graph, **changes).SerializeToString()


@pytest.mark.attack("graph: operators", "package")
@pytest.mark.parametrize("operator, domain, message", [
    ("Loop", "", "the operator 'Loop'"),
    ("If", "", "the operator 'If'"),
    ("Identity", "evil", "the operator 'evil.Identity'"),
    ("Identity", "ai.onnx.ml", "the operator 'ai.onnx.ml.Identity'"),
    ("PyOp", "com.microsoft", "the operator 'com.microsoft.PyOp'"),
    ("ImageDecoder", "", "the operator 'ImageDecoder'"),
    ("", "", "the operator ''"),
])  # fmt: skip
def test_operators_that_no_student_has(operator: str, domain: str, message: str) -> None:
    node = helper.make_node(operator, ["x"], ["y"], domain=domain)
    step = helper.make_graph([node], "step", [], [])
    within = helper.make_node("Scan", ["x"], ["z"], body=step, num_scan_inputs=1)
    for content in (graph_of(node), graph_of(within)):
        with pytest.raises(PackageError, match=f"{message}, which no packaged student has"):
            check_graph(content, "x")


@pytest.mark.attack("graph: operators", "package")
def test_functions_are_refused() -> None:
    call = helper.make_node("Identity", ["x"], ["y"])
    function = helper.make_function("own", "f", ["x"], ["y"], [call], [helper.make_opsetid("", 13)])
    with pytest.raises(PackageError, match="x has functions, which no packaged student has"):
        check_graph(graph_of(functions=[function]), "x")


@pytest.mark.attack("graph: size", "package")
def test_graphs_that_are_too_much() -> None:
    graph = helper.make_graph([], "g", [], [])
    for _ in range(10):
        node = helper.make_node("Scan", ["x"], ["y"], body=graph, num_scan_inputs=1)
        graph = helper.make_graph([node], "g", [], [])
    content = helper.make_model(graph).SerializeToString()
    with pytest.raises(PackageError, match="nests messages more than 16 levels deep"):
        check_graph(content, "x")
    for shape, message in (
        ([1 << 40], r"declares a tensor of shape \(1099511627776,\) with"),
        ([-1], "declares a tensor of shape"),
        ([1] * 65, "declares a tensor of 65 dimensions"),
    ):
        tensor = TensorProto(dims=shape, data_type=TensorProto.FLOAT, raw_data=bytes(8), name="w")
        graph = helper.make_graph([], "g", [], [], [tensor])
        with pytest.raises(PackageError, match=message):
            check_graph(helper.make_model(graph).SerializeToString(), "x")


def test_one_flipped_bit_is_refused_or_read_alike() -> None:
    """Whatever passes is the same to Protocol Buffers: nothing in it is unknown or external."""
    content = bytearray((packaged("tagger") / "network.onnx").read_bytes())
    places = random.Random(7)
    passed = 0
    for _ in range(600):
        place, bit = places.randrange(len(content)), 1 << places.randrange(8)
        content[place] ^= bit
        try:
            check_graph(bytes(content), "x")
        except PackageError:
            pass
        else:
            passed += 1
            model = onnx.load_from_string(bytes(content))
            nodes = {node.op_type for node in model.graph.node}
            assert nodes <= OPERATORS[""] and not model.functions
            assert not any(tensor.external_data for tensor in model.graph.initializer)
        content[place] ^= bit
    assert passed > 100


def test_the_packager_emits_listed_operators_alone() -> None:
    with pytest.raises(PackageError, match="the operator 'Loop', which no packaged student has"):
        Graph().add("Loop", ["x"])


def test_a_graph_that_onnx_runtime_refuses() -> None:
    session = LazySession(graph_of(helper.make_node("Conv", ["x"], ["y"])), "network.onnx")
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


@pytest.mark.attack("arrays", "package")
@pytest.mark.parametrize("content, message", [
    (b"", "is not a readable safetensors file"),
    (struct.pack("<Q", 2**63) + b"{}", "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}, b"0" * 4),
     "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"0" * 8),
     "is not a readable safetensors file"),
    (safetensors_file(b'{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},'
                      b'"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}', b"0" * 8),
     "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [0, 2**63], "data_offsets": [0, 0]}}),
     "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"0" * 5),
     "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F32", "shape": [1] * 1000, "data_offsets": [0, 4]}}, b"0" * 4),
     "is not a readable safetensors file"),
    (safetensors_file(b'{"a":' + b"[" * 100_000), "is not a readable safetensors file"),
    (safetensors_file({"a": {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}}, b"0" * 8),
     "'a' is of type float64"),
    (safetensors_file({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, b"00"),
     "the unknown type 'BF16'"),
])  # fmt: skip
def test_tensors_that_are_none(content: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        load_tensors(content, "x")
