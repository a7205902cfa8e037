"""Reads a tar file's bytes within limits."""

from typing import BinaryIO

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.limits import MIB, Limits


class GuardedReader:
    """A file object for `tarfile` that reads only forward, a few MiB at a time, and within the
    limits.

    The sizes that a tar file declares are not relied on: each byte that comes out of the decompressor
    is counted, headers and padding too.

    # Parameters

    unpacked : `BinaryIO`
    packed : `BinaryIO`
        What the former decompresses; itself where nothing is compressed.
    limits : `Limits`
    where : `str`
        The archive, for errors.
    """

    CHUNK = MIB
    MOST = 4 * MIB  # of a header, which tarfile reads at once
    TAR = 2048  # bytes of a tar file for each member besides its content

    def __init__(self, unpacked: BinaryIO, packed: BinaryIO, limits: Limits, where: str) -> None:
        self._unpacked = unpacked
        self._packed = packed
        self._limits = limits
        self._where = where
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= self.MOST:
            raise ArchiveError(
                f"{self._where} has a header of {size} bytes; no valid header is that long"
            )
        content = self._unpacked.read(size)
        self._position += len(content)
        limits = self._limits
        limits.check_total(self._position - limits.members * self.TAR, self._where)
        packed = max(self._packed.tell(), 1)
        if self._position > limits.small and self._position > limits.ratio * packed:
            raise ArchiveError(
                f"{self._where} is more than {limits.ratio} times larger when unpacked, which "
                "weights never are"
            )
        return content

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> int:
        if position < self._position:
            raise ArchiveError(f"{self._where} points back from {self._position} to {position}")
        while self._position < position:
            if not self.read(min(self.CHUNK, position - self._position)):
                break
        return self._position

    def finish(self) -> None:
        """Reads the rest, because a compressed file ends with its checksum."""
        while self.read(self.CHUNK):
            pass
