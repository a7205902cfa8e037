"""How archives that mean harm are made.

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
from pathlib import Path
from typing import Any, Callable, Dict

import torch

Build = Callable[[Path, Path], Path]


EMBEDDER = "model.text_field_embedder.token_embedders.tokens"


def packed(folder: Path) -> Path:
    path = folder.parent / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in sorted(os.listdir(folder)):
            archive.add(folder / name, arcname=name)
    return path


def with_member(
    folder: Path, member: tarfile.TarInfo, content: bytes = b"", first: bool = True
) -> Path:
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


def member(
    name: str, kind: bytes = tarfile.REGTYPE, link: Any = "", size: int = 0
) -> tarfile.TarInfo:
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


def rewritten(
    folder: Path, entries: Dict[str, bytes], compression: int = zipfile.ZIP_STORED
) -> Path:
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


def pax_of_digits(folder: Path, outside: Path) -> Path:
    """Python searches a number and a space in it, from each of its digits to the end."""
    return with_member(folder, member("x", tarfile.XHDTYPE, size=3 << 20), b"0" * (3 << 20))


def read_differently(folder: Path, outside: Path) -> Path:
    """Two zip files one after the other: the entries in front are hostile, those at the end are not."""
    torch.save({"w": Runs(outside)}, folder / "weights.th")
    hostile = (folder / "weights.th").read_bytes()
    torch.save([torch.zeros(1)], folder / "weights.th")
    honest = (folder / "weights.th").read_bytes()
    (folder / "weights.th").write_bytes(hostile + honest)
    return packed(folder)


def hand_made_pickle(body: bytes) -> Build:
    def build(folder: Path, outside: Path) -> Path:
        torch.save({"w": torch.zeros(4)}, folder / "weights.th")
        return rewritten(folder, {"data.pkl": b"\x80\x04" + body + b"."})

    return build


def tokenizer(**parts: Any) -> str:
    """The content of a `tokenizer.json`."""
    model = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}
    return json.dumps({"version": "1.0", "added_tokens": [], "model": model, **parts})


def repeated(count: int) -> str:
    replace = {"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}
    return tokenizer(normalizer={"type": "Sequence", "normalizers": [replace] * count})
