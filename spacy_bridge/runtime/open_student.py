"""Opens a packaged student of any kind."""

from pathlib import Path
from typing import Mapping, Union

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime import manifest
from spacy_bridge.runtime.packaged_parser import PackagedParser
from spacy_bridge.runtime.packaged_student import SETTINGS, PackagedStudent, read_json
from spacy_bridge.runtime.packaged_tagger import PackagedTagger


def open_student(
    source: Union[str, Path, Mapping[str, bytes]], threads: int = 1
) -> PackagedStudent:
    """Opens a packaged student, from its folder or from its files' content (manifest included).

    # Raises

    PackageError
        If it is damaged, incomplete, of another version, or of an unknown kind.
    """
    if isinstance(source, (str, Path)):
        where, files = str(source), manifest.read_files(source)
    else:
        where, files = "packaged student", manifest.check_files(source, "packaged student")
    if SETTINGS not in files:
        raise PackageError(f"{where}: {SETTINGS} is missing")
    kinds = {student.kind: student for student in (PackagedTagger, PackagedParser)}
    kind = read_json(files, SETTINGS, where).get("kind")
    if kind not in kinds:
        raise PackageError(
            f"{where}: {SETTINGS} names an unknown component {kind!r}, expected one of "
            f"{', '.join(sorted(kinds))}"
        )
    return kinds[kind](files, where, threads)
