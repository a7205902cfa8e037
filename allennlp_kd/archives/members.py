"""Iterates over the files in an archive."""

import gzip
import os
import re
import stat
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Iterator, NamedTuple, Optional, Set, Tuple

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.guarded_reader import GuardedReader
from allennlp_kd.archives.limits import Limits

CONFIG, WEIGHTS, BEST, VOCABULARY = "config.json", "weights.th", "best.th", "vocabulary"
_GZIP = b"\x1f\x8b"
_DRIVE = re.compile(r"^[A-Za-z]:")


_DAMAGE = (tarfile.TarError, EOFError, OSError, zlib.error, UnicodeError)


class Content:
    """The content of a file in an archive.

    # Parameters

    file : `BinaryIO`
    path : `Path`
        The archive, for errors.
    """

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path

    def read(self, size: int = -1) -> bytes:
        """
        # Raises

        ArchiveError
            If the archive is damaged there.
        """
        try:
            if size < 0:  # in pieces, because the reader below limits each read
                return b"".join(iter(lambda: self._file.read(GuardedReader.CHUNK), b""))
            return self._file.read(size)
        except _DAMAGE as error:
            raise ArchiveError(f"{self._path} is damaged or not an archive: {error}") from error


class Member(NamedTuple):
    """A file in an archive; `file` can be read until the next one is requested.

    # Parameters

    name : `str`
        Its path inside the archive, with `/`.
    size : `int`
        As the archive declares it.
    file : `Content`
    """

    name: str
    size: int
    file: Content


def members(path: Path, limits: Optional[Limits] = None, links: bool = False) -> Iterator[Member]:
    """Yields the files of an archive: a folder, or a `tar` file with or without gzip compression.

    For a folder these are the configuration, the weights (`weights.th`, or else `best.th`, which is
    named `weights.th` here) and the vocabulary.

    # Parameters

    path : `Path`
    limits : `Limits`, optional
        By default those of the environment.
    links : `bool`, optional (default = `False`)
        Whether links in a folder may lead out of it. In a `tar` file none is allowed.

    # Raises

    ArchiveError
        If it is damaged, has a member that is not a plain file inside it, or is too large.
    """
    limits = Limits.from_environment() if limits is None else limits
    if path.is_dir():
        return _folder_members(path, limits, links)
    return _tar_members(path, limits)


class _Header(tarfile.TarInfo):
    """A header with a short extension; Python takes quadratic time to search a long one."""

    LONGEST = 4096  # bytes; a path takes less
    _EXTENSIONS = (
        tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
    )  # fmt: skip

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        if self.type in self._EXTENSIONS and self.size > self.LONGEST:
            raise tarfile.HeaderError(
                f"it has a header of {self.size} bytes; no valid header is that long"
            )
        return super()._proc_member(archive)  # type: ignore[misc]


def _tar_members(path: Path, limits: Limits) -> Iterator[Member]:
    try:
        with open(path, "rb") as packed:
            compressed = packed.read(2) == _GZIP
            packed.seek(0)
            unpacked = gzip.GzipFile(fileobj=packed) if compressed else packed
            reader = GuardedReader(unpacked, packed, limits, str(path))  # type: ignore[arg-type]
            with tarfile.TarFile(fileobj=reader, tarinfo=_Header) as archive:  # type: ignore[arg-type]
                yield from _plain(archive, path, limits)
            reader.finish()
    except _DAMAGE as error:
        raise ArchiveError(f"{path} is damaged or not an archive: {error}") from error


def _plain(archive: tarfile.TarFile, path: Path, limits: Limits) -> Iterator[Member]:
    found: Set[str] = set()
    folders: Set[str] = set()
    total = 0
    for number, member in enumerate(archive):
        if number >= limits.members:
            raise ArchiveError(
                f"{path} has more than {limits.members:,} members, more than any model needs"
            )
        name = _inside(member.name)
        plain = member.isdir() or (member.isfile() and not member.issparse())
        if name is None or not plain or not (name or member.isdir()):
            raise ArchiveError(
                f"{path} has the member {member.name!r}, which is not a plain file inside it"
            )
        if member.isdir():
            continue
        if name in found:
            raise ArchiveError(f"{path} has the member {member.name!r} twice")
        above = {str(parent) for parent in PurePosixPath(name).parents}
        if name in folders or above & found:
            raise ArchiveError(f"{path} uses {member.name!r} as both a file and a folder")
        found.add(name)
        folders |= above
        total += member.size
        limits.check_total(total, str(path))
        file = archive.extractfile(member)
        yield Member(name, member.size, Content(file, path))  # type: ignore[arg-type]


def _inside(name: str) -> Optional[str]:
    """Returns the path of a member, or `None` if it leads outside on this or another system."""
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or "\\" in name or "\0" in name or _DRIVE.match(name):
        return None
    return "/".join(parts)


def _folder_members(folder: Path, limits: Limits, links: bool) -> Iterator[Member]:
    root = folder.resolve()
    total = 0
    for number, (name, path) in enumerate(_wanted(folder)):
        if number >= limits.members:
            raise ArchiveError(
                f"{folder} has more than {limits.members:,} files, more than any model needs"
            )
        real = path.resolve()
        if not links and root not in real.parents:
            raise ArchiveError(
                f"{folder} has the file {name!r}, which is a link to {real} outside it"
            )
        try:
            # Without O_NONBLOCK, opening a pipe would block.
            descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            raise ArchiveError(
                f"{folder} has the file {name!r}, which cannot be read: {error}"
            ) from error
        with open(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise ArchiveError(f"{folder} has {name!r}, which is not a plain file inside it")
            total += state.st_size
            limits.check_total(total, str(folder))
            yield Member(name, state.st_size, Content(file, folder))


def _wanted(folder: Path) -> Iterator[Tuple[str, Path]]:
    if os.path.lexists(folder / CONFIG):
        yield CONFIG, folder / CONFIG
    for name in (WEIGHTS, BEST):
        if os.path.lexists(folder / name):
            yield WEIGHTS, folder / name
            break
    # `os.walk` lists a link to a folder as a folder; it is yielded here as a file and refused.
    for place, folders, files in os.walk(folder / VOCABULARY):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in sorted(files + links):
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path
    if os.path.lexists(folder / VOCABULARY) and not (folder / VOCABULARY).is_dir():
        yield VOCABULARY, folder / VOCABULARY
