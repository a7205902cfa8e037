"""Opens a packaged student of any kind."""

from pathlib import Path
from typing import Mapping, Union

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime import manifest
from spacy_bridge.runtime.packaged_parser import PackagedParser
from spacy_bridge.runtime.packaged_student import SETTINGS, PackagedStudent, read_json
from spacy_bridge.runtime.packaged_tagger import PackagedTagger

MOST_THREADS = 256
"""ONNX Runtime starts as many threads as it is told to."""

_MISFIT = "{where}: the settings, the vocabulary and the weights do not match: {error}"


def open_student(
    source: Union[str, Path, Mapping[str, bytes]], threads: int = 1
) -> PackagedStudent:
    """Opens a packaged student from its folder or from its files' content (including the manifest).

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
    if not isinstance(kind, str) or kind not in kinds:
        raise PackageError(
            f"{where}: {SETTINGS} names an unknown component {kind!r}, expected one of "
            f"{', '.join(sorted(kinds))}"
        )
    if not 1 <= threads <= MOST_THREADS:
        raise PackageError(f"{where}: threads must be from 1 to {MOST_THREADS}, found {threads}")
    try:
        return kinds[kind](files, where, threads)
    except (KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise PackageError(_MISFIT.format(where=where, error=repr(error))) from error
    except ValueError as error:
        if isinstance(error, PackageError):
            raise
        raise PackageError(_MISFIT.format(where=where, error=repr(error))) from error
