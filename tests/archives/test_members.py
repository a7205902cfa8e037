"""Sizes, counts and what is left of a damaged archive."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.extraction import extracted
from allennlp_kd.archives.guarded_reader import GuardedReader
from allennlp_kd.archives.limits import MAX_GIB, MIB, Limits
from allennlp_kd.archives.members import members
from tests.archives.building import member, packed


def sizes(path: Path, **limits: int) -> dict:
    return {each.name: len(each.file.read()) for each in members(path, Limits(**limits))}


def test_a_file_a_plain_tar_and_a_folder_have_the_same_members(place: Path) -> None:
    folder = place / "files"
    found = sizes(packed(folder))
    assert {"config.json", "weights.th", "vocabulary/labels.txt"} <= found.keys()
    plain = place / "model.tar"
    plain.write_bytes(gzip.decompress((place / "model.tar.gz").read_bytes()))
    assert sizes(plain) == sizes(folder) == found
    (folder / "weights.th").rename(folder / "best.th")
    assert sizes(folder) == found


@pytest.mark.parametrize("name", ["model.tar", "model.tar.gz"])
def test_weights_of_many_mib_are_read_whole(name: str, tmp_path: Path) -> None:
    content = os.urandom(GuardedReader.MOST + 12345)
    (tmp_path / "weights.th").write_bytes(content)
    path = tmp_path / name
    with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as archive:
        archive.add(tmp_path / "weights.th", arcname="weights.th")
    assert [each.file.read() == content for each in members(path)] == [True]


def test_only_what_an_archive_has_is_taken_from_a_folder(place: Path) -> None:
    (place / "files" / "model_state_e0_b0.th").write_bytes(b"x")
    assert "model_state_e0_b0.th" not in sizes(place / "files")


def test_a_bomb_of_zeros(place: Path) -> None:
    (place / "files" / "extra").write_bytes(bytes(4 * MIB))
    path = packed(place / "files")
    assert sizes(path)["extra"] == 4 * MIB
    with pytest.raises(ArchiveError, match="is more than 20 times larger when unpacked"):
        sizes(path, small=MIB, ratio=20)


def test_a_bomb_behind_the_last_member(place: Path) -> None:
    path = place / "model.tar.gz"
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(member("config.json", size=1), io.BytesIO(b"x"))
    path.write_bytes(gzip.compress(buffer.getvalue() + bytes(8 * MIB)))
    with pytest.raises(ArchiveError, match="is more than 20 times larger"):
        sizes(path, small=MIB, ratio=20)


def test_declared_and_real_sizes_count(place: Path) -> None:
    (place / "files" / "extra").write_bytes(bytes(MIB))
    for path in (packed(place / "files"), place / "files" / "extra"):
        if path.name == "extra":
            path.rename(place / "files" / "vocabulary" / "extra.txt")
            path = place / "files"
        with pytest.raises(ArchiveError, match="is larger than 0.000.* GiB.*set ALLENNLP_KD_MAX"):
            sizes(path, total=MIB // 2)
    with pytest.raises(ArchiveError, match="has more than 2 (members|files)"):
        sizes(place / "files", members=2)


def test_headers_count_although_no_member_declares_them() -> None:
    reader = GuardedReader(
        io.BytesIO(bytes(9 * MIB)), io.BytesIO(), Limits(total=1, members=1), "x"
    )
    with pytest.raises(ArchiveError, match="x is larger than .* GiB"):
        reader.read(4 * MIB)
    for size in (-1, 5 * MIB):
        with pytest.raises(ArchiveError, match=f"x has a header of {size} bytes"):
            reader.read(size)
    reader = GuardedReader(io.BytesIO(bytes(9 * MIB)), io.BytesIO(b"x"), Limits(), "x")
    assert reader.seek(5 * MIB) == reader.tell() == 5 * MIB
    with pytest.raises(ArchiveError, match=f"x points back from {5 * MIB} to 1"):
        reader.seek(1)


@pytest.mark.parametrize("value", ["0", "-1", "much", "nan", "inf"])
def test_a_limit_that_is_none(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MAX_GIB, value)
    with pytest.raises(
        ArchiveError, match=f"{MAX_GIB} must be a number of GiB above 0, found '{value}'"
    ):
        Limits.from_environment()
    monkeypatch.setenv(MAX_GIB, "0.5")
    assert Limits.from_environment() == Limits(total=512 * MIB)
    monkeypatch.delenv(MAX_GIB)
    assert Limits.from_environment() == Limits()


def test_no_room(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 10}))
    with pytest.raises(ArchiveError, match="bytes, for which .* has too little space; set TMPDIR"):
        with extracted(place / "files"):
            pass


def test_the_folder_is_ours_and_goes(place: Path) -> None:
    with extracted(place / "files") as folder:
        assert folder.stat().st_mode & 0o077 == 0
        (place / "files" / "config.json").write_text("changed since")
        assert (folder / "config.json").read_text() != "changed since"
    assert not folder.exists()


def test_links_inside_of_a_folder_and_trusted_ones(place: Path) -> None:
    folder = place / "files"
    (folder / "weights.th").rename(folder / "model_state.th")
    (folder / "weights.th").symlink_to("model_state.th")
    inside = sizes(folder)
    (folder / "model_state.th").rename(place / "outside" / "w.th")
    (folder / "weights.th").unlink()
    (folder / "weights.th").symlink_to(place / "outside" / "w.th")
    with pytest.raises(ArchiveError, match="'weights.th', which is a link to .*w.th outside it"):
        sizes(folder)
    assert {each.name for each in members(folder, links=True)} == set(inside)
