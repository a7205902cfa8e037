"""Archives that mean harm, one a kind of attack.

Each is made of an honest archive's files in `folder`. What it is after lies in `outside`: files to be
read, and a place where `canary` must not appear.
"""

import io
import json
import os
import pickle
import shutil
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any, Callable, Dict, NamedTuple

import torch

Build = Callable[[Path, Path], Path]


class Attack(NamedTuple):
    """
    # Parameters

    kind, name : `str`
    build : `Build`
        Makes the archive from `folder` and `outside`, and returns its path.
    message : `str`
        What the refusal says.
    """

    kind: str
    name: str
    build: Build
    message: str


def packed(folder: Path) -> Path:
    path = folder.parent / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name)
    return path


def with_member(folder: Path, member: tarfile.TarInfo, content: bytes = b"", first: bool = True) -> Path:
    """The honest files, and one more."""
    path = folder.parent / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        if first:
            archive.addfile(member, io.BytesIO(content))
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name)
        if not first:
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: Any = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, str(link), size
    return made


def file_named(name: str) -> Build:
    return lambda folder, outside: with_member(
        folder, member(name.format(outside=outside), size=1), b"x"
    )


def special(name: str, kind: bytes, link: str = "") -> Build:
    return lambda folder, outside: with_member(
        folder, member(name, kind, link.format(outside=outside)), first=False
    )


def through_a_linked_folder(folder: Path, outside: Path) -> Path:
    path = folder.parent / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.addfile(member("vocabulary/deep", tarfile.SYMTYPE, outside))
        archive.addfile(member("vocabulary/deep/canary", size=1), io.BytesIO(b"x"))
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name)
    return path


def sparse(folder: Path, outside: Path) -> Path:
    return with_member(folder, member("extra", tarfile.GNUTYPE_SPARSE))


def large_header(folder: Path, outside: Path) -> Path:
    text = b"15728650 comment=" + b"x" * (15728650 - 18) + b"\n"
    return with_member(folder, member("x", tarfile.XHDTYPE, size=len(text)), text)


def large(folder: Path, outside: Path) -> Path:
    (folder / "extra").write_bytes(bytes(3 << 20))
    return packed(folder)


def many(folder: Path, outside: Path) -> Path:
    path = folder.parent / "model.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for number in range(10_001):
            archive.addfile(member(f"extra/{number}"))
    return path


def file_and_folder(folder: Path, outside: Path) -> Path:
    return with_member(folder, member("config.json/x", size=1), b"x", first=False)


def packed_vocabulary(folder: Path, outside: Path) -> Path:
    """AllenNLP unpacks it into its cache, in the home folder."""
    shutil.rmtree(folder / "vocabulary")
    with zipfile.ZipFile(folder / "vocabulary", "w") as archive:
        archive.writestr("canary", "x")
    return packed(folder)


def linked(name: str) -> Build:
    def build(folder: Path, outside: Path) -> Path:
        path, target = folder / name, outside / Path(name).name
        path.rename(target)
        path.symlink_to(target)
        return folder

    return build


def piped(folder: Path, outside: Path) -> Path:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")
    return folder


class Runs:
    """Makes the canary when it is unpickled."""

    def __init__(self, outside: Path) -> None:
        self._outside = outside

    def __reduce__(self) -> Any:
        return Path.touch, (self._outside / "canary",)


def weights(make: Callable[[Path], Any], **options: Any) -> Build:
    def build(folder: Path, outside: Path) -> Path:
        torch.save(make(outside), folder / "weights.th", **options)
        return packed(folder)

    return build


def by_name(folder: Path, outside: Path) -> Path:
    """`builtins.exec` by its name, as protocol 4 has names."""
    code = f"open({str(outside / 'canary')!r}, 'w')"
    body = b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93" + pickle.dumps((code,), 2)[2:-1] + b"R."
    return rewritten(folder, {"data.pkl": body})


def rewritten(folder: Path, entries: Dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """Other entries in the file of the weights."""
    content: Dict[str, bytes] = {}
    with zipfile.ZipFile(folder / "weights.th") as archive:
        root = archive.namelist()[0].split("/")[0]
        content = {name: archive.read(name) for name in archive.namelist()}
    content.update({f"{root}/{name}": value for name, value in entries.items()})
    with zipfile.ZipFile(folder / "weights.th", "w", compression) as archive:
        for name, value in content.items():
            archive.writestr(name, value)
    return packed(folder)


def weights_bomb(folder: Path, outside: Path) -> Path:
    return rewritten(folder, {"data/bomb": bytes(8 << 20)}, zipfile.ZIP_DEFLATED)


def storage_beyond_its_bytes(folder: Path, outside: Path) -> Path:
    torch.save({"w": torch.zeros(4)}, folder / "weights.th")
    return rewritten(folder, {"data/0": b"\0"})


def program(folder: Path, outside: Path) -> Path:
    torch.jit.script(torch.nn.Linear(1, 1)).save(str(folder / "weights.th"))
    return packed(folder)


def oldest_format(folder: Path, outside: Path) -> Path:
    """A tar file whose member `storages` is a link: torch unpacks it and reads what it leads to."""
    with tarfile.open(folder / "weights.th", "w") as archive:
        archive.addfile(member("storages", tarfile.SYMTYPE, outside / "secret.txt"))
        archive.addfile(member("tensors", tarfile.SYMTYPE, outside / "secret.txt"))
        archive.addfile(member("pickle", tarfile.SYMTYPE, outside / "secret.txt"))
    return packed(folder)


def configured(change: Callable[[Dict[str, Any], Path], Any]) -> Build:
    """The configuration changed; or in the place of it a text, where `change` returns one."""

    def build(folder: Path, outside: Path) -> Path:
        config = json.loads((folder / "config.json").read_text())
        text = change(config, outside)
        (folder / "config.json").write_text(text if isinstance(text, str) else json.dumps(config))
        return packed(folder)

    return build


def at(place: str, value: Any) -> Build:
    """The configuration with one more entry, in both readers where it is in one."""

    def change(config: Dict[str, Any], outside: Path) -> None:
        filled = json.loads(json.dumps(value).replace("{outside}", str(outside)))
        *parents, last = place.split(".")
        inside = config
        for name in parents:
            inside = inside.setdefault(name, {})
        inside[last] = filled

    return configured(change)


def carrying(**files: str) -> Build:
    """A carried transformer, with these files."""

    def build(folder: Path, outside: Path) -> Path:
        inside = folder / "vocabulary" / ".transformers" / "transformer"
        inside.mkdir(parents=True)
        (inside / "config.json").write_text('{"model_type": "bert"}')
        for name, content in files.items():
            name = name.replace("__", ".")
            (inside / name).write_text(content.replace("{outside}", str(outside)))
        piece = {"type": "pretrained_transformer_layers", "model_name": "gone"}
        return at(EMBEDDER, piece)(folder, outside)

    return build


EMBEDDER = "model.text_field_embedder.token_embedders.tokens"
INDEXER = "dataset_reader.token_indexers.tokens"
MISMATCHED = {"type": "pretrained_transformer_mismatched", "model_name": "some/model"}
LAYERS = {"type": "pretrained_transformer_layers", "model_name": "gone"}
INSIDE = "not a plain file inside of it"
DAMAGED = "are damaged, or hold more than tensors"
JSON = "is not JSON"


def nested(depth: int) -> str:
    return '{"model": ' + "[" * depth + "]" * depth + "}"


ATTACKS = [
    Attack("tar", "absolute", file_named("{outside}/canary"), INSIDE),
    Attack("tar", "parent", file_named("../outside/canary"), INSIDE),
    Attack("tar", "parent of a folder inside", file_named("vocabulary/../../outside/canary"), INSIDE),
    Attack("tar", "parent of another system", file_named("..\\outside\\canary"), INSIDE),
    Attack("tar", "drive of another system", file_named("C:canary"), INSIDE),
    Attack("tar", "symbolic link", special("x", tarfile.SYMTYPE, "{outside}/secret.txt"), INSIDE),
    Attack("tar", "hard link", special("x", tarfile.LNKTYPE, "{outside}/secret.txt"), INSIDE),
    Attack("tar", "file behind a linked folder", through_a_linked_folder, INSIDE),
    Attack("tar", "character device", special("x", tarfile.CHRTYPE), INSIDE),
    Attack("tar", "block device", special("x", tarfile.BLKTYPE), INSIDE),
    Attack("tar", "pipe", special("x", tarfile.FIFOTYPE), INSIDE),
    Attack("tar", "sparse file", sparse, INSIDE),
    Attack("tar", "a file twice", file_named("config.json"), "the member 'config.json' twice"),
    Attack("tar", "a file that is a folder", file_and_folder, "both a file and a folder"),
    Attack("tar", "size", large, "is more than 0.002 GiB large"),
    Attack("tar", "size of a header", large_header, "has a header of 157"),
    Attack("tar", "number of members", many, "more than 10,000 members"),
    Attack("tar", "a vocabulary to unpack", packed_vocabulary, "lacks vocabulary|no namespace"),
    Attack("folder", "linked weights", linked("weights.th"), "which is a link to .*, outside of it"),
    Attack("folder", "linked configuration", linked("config.json"), "which is a link to .*, outside"),
    Attack("folder", "linked vocabulary", linked("vocabulary"), "which is a link to .*, outside of it"),
    Attack("folder", "linked labels", linked("vocabulary/labels.txt"), "which is a link to .*, outside"),
    Attack("folder", "pipe", piped, INSIDE),
    Attack("weights", "pickle", weights(lambda outside: {"w": Runs(outside)}), DAMAGED),
    Attack("weights", "older pickle", weights(lambda outside: {"w": Runs(outside)},
           _use_new_zipfile_serialization=False), DAMAGED),
    Attack("weights", "pickle beside tensors", weights(lambda outside: OrderedDict(
           w=torch.zeros(2), x=[(1, Runs(outside))])), DAMAGED),
    Attack("weights", "name of a function", by_name, DAMAGED),
    Attack("weights", "module", weights(lambda outside: torch.nn.Linear(1, 1)), DAMAGED),
    Attack("weights", "program", program, DAMAGED),
    Attack("weights", "tar file of links", oldest_format, DAMAGED),
    Attack("weights", "bomb", weights_bomb, DAMAGED),
    Attack("weights", "storage beyond its bytes", storage_beyond_its_bytes, DAMAGED),
    Attack("weights", "tensor beyond its storage",
           weights(lambda outside: {"w": torch.zeros(1).expand(1 << 40)}), DAMAGED),
    Attack("weights", "no tensor", weights(lambda outside: {"w": 1}), "which is no tensor"),
    Attack("weights", "no state", weights(lambda outside: [torch.zeros(1)]), "expected a dict"),
    Attack("jsonnet", "file", configured(
           lambda c, o: '{"model": importstr "%s"}' % (o / "secret.txt")), JSON),
    Attack("jsonnet", "import", configured(lambda c, o: 'import "%s"' % (o / "secret.txt")), JSON),
    Attack("jsonnet", "environment", configured(lambda c, o: '{"model": std.extVar("HOME")}'), JSON),
    Attack("jsonnet", "computation", configured(lambda c, o: '{"model": std.repeat("x", 1e9)}'), JSON),
    Attack("json", "depth", configured(lambda c, o: nested(100_000)), JSON),
    Attack("json", "a name twice", configured(
           lambda c, o: '{"model": {}, "model": {"type": "from_archive"}}'), "'model' is there twice"),
    Attack("json", "no number", configured(lambda c, o: '{"model": NaN}'), JSON),
    Attack("class", "encoder", at("model.encoder.type", "hostile_module.Canary"), "the class"),
    Attack("class", "encoder as a string", at("model.encoder", "hostile_module.Canary"), "the class"),
    Attack("class", "model", at("model.type", "hostile_module.Canary"), "the class"),
    Attack("class", "student", at("model", {"type": "distillation", "student": {
           "type": "hostile_module.Canary"}}), "the class"),
    Attack("class", "indexer", at(f"{INDEXER}.type", "hostile_module.Canary"), "the class"),
    Attack("class", "reader", at("dataset_reader.type", "hostile_module.Canary"), "the class"),
    Attack("class", "in a list", at("model.encoder.parts", ["hostile_module.Canary"]), "the class"),
    Attack("class", "vocabulary", at("vocabulary.type", "hostile_module.Canary"), "the class"),
    Attack("class", "odd name", at("model.encoder.type", "hostile_module.*"), "the class"),
    Attack("archive", "model", at("model", {"type": "from_archive", "archive_file": "{outside}/x"}),
           "another archive,"),
    Attack("archive", "part", at("model.encoder", {"_pretrained": {"archive_file": "{outside}/x"}}),
           "names _pretrained,"),
    Attack("archive", "layers' weights", at(EMBEDDER, {"type": "pretrained_transformer_layers",
           "from_archive": "{outside}/x.tar.gz", "model_name": "x"}), "the path|the transformer"),
    Attack("transformer", "hub", at(f"{INDEXER}", MISMATCHED), "names the transformer 'some/model' in"),
    Attack("transformer", "hub, bare", at(EMBEDDER, {**MISMATCHED, "model_name": "bert-base-cased"}),
           "names the transformer 'bert-base-cased' in"),
    Attack("transformer", "absolute", at(f"{EMBEDDER}", {**MISMATCHED, "model_name": "{outside}"}),
           "names the transformer"),
    Attack("transformer", "parent", at(EMBEDDER, {**MISMATCHED, "model_name": "../outside"}),
           "names the transformer"),
    Attack("transformer", "beside", at(EMBEDDER, {**MISMATCHED, "model_name": "outside"}),
           "names the transformer"),
    Attack("transformer", "not carried", at(EMBEDDER, LAYERS), "names the transformer 'gone'"),
    Attack("transformer", "carried elsewhere", at(EMBEDDER, {**LAYERS, "carried_as": "../../outside"}),
           "names the transformer 'gone'|the path"),
    Attack("transformer", "code of the hub", at(EMBEDDER, {"type": "pretrained_transformer",
           "transformer_kwargs": {"trust_remote_code": True}}), "the option trust_remote_code,"),
    Attack("transformer", "tokenizer's file", at(INDEXER, {"type": "pretrained_transformer",
           "tokenizer_kwargs": {"vocab_file": "{outside}/secret.txt"}}), "the option vocab_file,"),
    Attack("transformer", "weights", at(EMBEDDER, {"type": "pretrained_transformer",
           "override_weights_file": "x.th"}), "the class 'x.th'|the file 'x.th'"),
    Attack("carried", "code", carrying(config__json='{"auto_map": {"AutoModel": "code.Model"}}',
           code__py="open('{outside}/canary', 'w')"), "as auto_map in|'vocabulary.*code.py'"),
    Attack("carried", "pickle", carrying(vocab__pkl="x"), "vocab.pkl' in its transformer"),
    Attack("carried", "file", carrying(tokenizer_config__json='{"vocab_file": "{outside}/secret.txt"}'),
           "as vocab_file in"),
    Attack("carried", "hub", carrying(config__json='{"_name_or_path": "some/model"}'),
           "as _name_or_path in"),
    Attack("carried", "hub, deeper", carrying(config__json='{"x": [{"backbone": "resnet50"}]}'),
           "as backbone in"),
    Attack("file", "absolute", at("dataset_reader.token_indexers.tokens.namespace",
           "{outside}/secret.txt"), "the path"),
    Attack("file", "parent", at("dataset_reader.coding_scheme", "../secret.txt"), "the path"),
    Attack("file", "home", at("dataset_reader.coding_scheme", "~root"), "the path"),
    Attack("file", "URL", at("dataset_reader.coding_scheme", "https://example.org/x"), "the URL"),
    Attack("file", "embeddings of a reader", at(f"{INDEXER}.pretrained_file", "x"), "the file 'x'"),
    Attack("file", "files", at(f"{INDEXER}.pretrained_files", {"tokens": "x"}), "the files"),
    Attack("file", "list of files", at(f"{INDEXER}.suite_files", ["x"]), "the file 'x'"),
    Attack("file", "ELMo", at(EMBEDDER, {"type": "elmo_token_embedder", "options_file": "x",
           "weight_file": "y"}), "the file 'x'"),
    Attack("file", "spaCy's pipeline", at("dataset_reader.tokenizer", {"type": "spacy",
           "language": "hostile_module"}), "the file 'hostile_module'"),
    Attack("file", "folder to write to", at(f"{EMBEDDER}.serialization_dir", "outside"),
           "names serialization_dir,"),
    Attack("file", "leave to write", at(f"{EMBEDDER}.local_rank", 0), "names local_rank,"),
    Attack("file", "vocabulary", at("model.vocab", {"type": "from_files", "directory": "x"}),
           "names vocab,"),
]  # fmt: skip
