"""The forms that a corpus may have, by the names of their files."""

from pathlib import Path
from typing import Dict, Optional

from spacy_bridge.corpus.errors import ShardsError

# By format: the suffixes of its files.
FORMATS: Dict[str, tuple] = {
    "text": (".txt", ".text"),
    "conllu": (".conllu", ".conll"),
    "parquet": (".parquet", ".pq"),
}


def format_of(path: str, given: Optional[str]) -> str:
    """The format that was given, or the one of the file's suffix.

    # Raises

    ShardsError
        If the format is unknown.
    """
    if given is not None:
        if given not in FORMATS:
            raise ShardsError(f"the format must be one of {', '.join(FORMATS)}, found '{given}'")
        return given
    suffix = Path(path).suffix.lower()
    for name, suffixes in FORMATS.items():
        if suffix in suffixes:
            return name
    raise ShardsError(
        f"{path}: the suffix says no format ({', '.join(s for each in FORMATS.values() for s in each)}); "
        f"give one of {', '.join(FORMATS)}"
    )
