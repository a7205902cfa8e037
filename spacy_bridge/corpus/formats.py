"""The formats of a corpus, by file suffix."""

from pathlib import Path
from typing import Dict, Optional

from spacy_bridge.corpus.errors import ShardsError

# The file suffixes of each format.
FORMATS: Dict[str, tuple] = {
    "text": (".txt", ".text"),
    "conllu": (".conllu", ".conll"),
    "parquet": (".parquet", ".pq"),
}


def format_of(path: str, given: Optional[str]) -> str:
    """Returns the given format, or the format of the file's suffix.

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
        f"{path}: the suffix is unknown ({', '.join(s for each in FORMATS.values() for s in each)} "
        f"are known); give the format, one of {', '.join(FORMATS)}"
    )
