"""Assigns the transformers that the user gives to the archives of a pipeline."""

from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Set

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.archive_parts import archive_parts
from allennlp_kd.archives.carried_files import carried_transformers
from allennlp_kd.archives.given_files import foreign_transformers
from allennlp_kd.archives.members import CONFIG, members
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.archive.student_archive import REMEDIES


def given_transformers(
    archives: Mapping[str, Path], given: Sequence[str], trust: bool = False
) -> Dict[str, Optional[str]]:
    """Returns the transformer for each component's archive; `None` if the archive needs none.

    A folder without a name is for all archives that name a transformer and do not carry it. Where
    these name
    different ones, one folder cannot be right for both, and each component is given its own.

    # Parameters

    archives : `Mapping[str, Path]`
        By the names of components.
    given : `Sequence[str]`
        A folder for all, or `NAME=FOLDER` for the component of that name, in any number.
    trust : `bool`, optional (default = `False`)
        As `StudentArchive` has it.

    # Raises

    BridgeError
        If more than one is given for an archive, if one is given that no archive needs, or if one is
        given for archives that name different ones.
    """
    found: Dict[str, Optional[str]] = dict.fromkeys(archives)
    for one in given:
        name, equals, folder = one.partition("=")
        if not (equals and name in archives):
            continue
        if found[name] is not None:
            raise BridgeError(
                f"--transformer gives '{name}' two transformers: {found[name]} and {folder}"
            )
        found[name] = folder
    shared = [one for one in given if one.partition("=")[0] not in archives or "=" not in one]
    if len(shared) > 1:
        raise BridgeError(
            f"--transformer gives {len(shared)} folders for all archives, {', '.join(shared)}: use "
            f"NAME=FOLDER for each component of {', '.join(archives)}"
        )
    if shared:
        _share(found, shared[0], archives, trust)
    return found


def _share(
    found: Dict[str, Optional[str]], folder: str, archives: Mapping[str, Path], trust: bool
) -> None:
    needed = {
        name: names
        for name, path in archives.items()
        if found[name] is None and (names := _named(path, trust))
    }
    if not needed:
        raise BridgeError(
            f"--transformer {folder} is not needed: none of "
            f"{', '.join(map(str, archives.values()))} names a transformer outside itself"
        )
    different: Set[str] = {name for names in needed.values() for name in names}
    if len(different) > 1:
        places = "; ".join(f"{name}: {', '.join(names)}" for name, names in needed.items())
        raise BridgeError(
            f"--transformer {folder} cannot replace different transformers ({places}): use "
            "NAME=FOLDER for each component"
        )
    found.update(dict.fromkeys(needed, folder))


def _named(path: Path, trust: bool) -> List[str]:
    if not path.exists():
        raise BridgeError(f"{path} cannot be opened as an archive: it does not exist")
    content, names = b"", []
    try:
        for member in members(path, links=trust):
            names.append(member.name)
            if member.name == CONFIG:
                content = member.file.read()
        if not content:
            raise BridgeError(f"{path} is not an AllenNLP archive: it has no {CONFIG}")
        # Nothing is opened yet; the names in an archive are checked when it is opened.
        parts = archive_parts(content, names, str(path), REMEDIES, trust=True)
    except ArchiveError as error:
        raise BridgeError(str(error)) from error
    foreign = foreign_transformers(parts, carried_transformers(names).__contains__)
    return [
        called[0] for called in foreign
    ]  # an indexer may use another name for its embedder's transformer
