import os
import stat

import pytest

from spacy_bridge.atomic_file import atomic_file, link_atomically


def test_a_file_has_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_fault_leaves_what_was_there(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(KeyError):
        with atomic_file(path) as file:
            file.write(b"new")
            raise KeyError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_one_wins(tmp_path):
    path = tmp_path / "file"
    with atomic_file(path, replace=False) as file:
        path.write_bytes(b"another's")
        file.write(b"ours")
    assert path.read_bytes() == b"another's"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_synced_before_it_has_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *args, name=name, do=original: (calls.append(name), do(*args))[1]
        )
    with atomic_file(tmp_path / "file") as file:
        file.write(b"content")
    assert calls == ["fsync", "replace", "fsync"]  # the file, its name, the folder


def test_permissions_are_the_folder_s(tmp_path):
    tmp_path.chmod(0o750)
    with atomic_file(tmp_path / "file") as file:
        file.write(b"content")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("links", [True, False])
def test_a_link_replaces_what_was_there(tmp_path, monkeypatch, links):
    def unsupported(source, target):
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr("os.link", unsupported)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"new")
    target.write_bytes(b"old")
    for _ in range(2):
        link_atomically(source, target)
        assert target.read_bytes() == source.read_bytes() == b"new"
        assert os.path.samefile(source, target) is links
        assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]
