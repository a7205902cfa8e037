"""Reads only the configuration of an archive."""

from pathlib import Path
from typing import Any, Dict, Optional

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.configuration import LARGEST, read_configuration
from allennlp_kd.archives.members import CONFIG, members


def archive_configuration(path: Path, links: bool = False) -> Optional[Dict[str, Any]]:
    """Returns an archive's configuration as plain data; `None` if it has none.

    # Parameters

    path, links
        See `members`.

    # Raises

    ArchiveError
        If the archive is damaged or unsafe as far as it is read, or its configuration is not JSON.
    """
    for member in members(path, links=links):
        if member.name == CONFIG:
            where = f"{CONFIG} of {path}"
            if member.size > LARGEST:
                raise ArchiveError(
                    f"{where} is {member.size:,} bytes long; at most {LARGEST:,} are allowed"
                )
            return read_configuration(member.file.read(), where)
    return None
