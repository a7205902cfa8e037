"""The transformer inside of an archive."""

import re
from pathlib import Path
from typing import Any, Iterable, Mapping, Union

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.configuration import read_configuration
from allennlp_kd.archives.members import VOCABULARY

CARRIED = f"{VOCABULARY}/.transformers/"
"""Where an archive carries the architecture and the tokenizer of `pretrained_transformer_layers`."""

_SUFFIXES = (".json", ".txt", ".model", ".jinja", ".spm", ".bpe")
"""Data. Others hold programs, or pickles that a tokenizer opens."""

_SETTINGS = ("config.json", "tokenizer_config.json")
_OPENED = re.compile(
    r"(^auto_map$|^custom_|^mecab_|trust_remote_code|backbone|name_or_path$|_implementation"
    r"|(^|_)(file|path|dir|url|repo)s?($|_))"
)


def carried_transformers(names: Iterable[str]) -> Mapping[str, str]:
    """The transformers inside of an archive, by name: each one's folder.

    # Parameters

    names : `Iterable[str]`
        Of the archive's files.
    """
    inside = [name[len(CARRIED) :] for name in names if name.startswith(CARRIED)]
    return {name.split("/")[0]: CARRIED + name.split("/")[0] for name in inside if "/" in name}


def check_carried(name: str, content: Union[Path, bytes], where: str) -> None:
    """Refuses a file of a carried transformer that is no data, or names what is not in the archive.

    # Parameters

    name : `str`
        Its path in the archive.
    content : `Union[Path, bytes]`
        The file, or what is in it.
    where : `str`
        The archive, for errors.

    # Raises

    ArchiveError
    """
    if not name.startswith(CARRIED):
        return
    if not name.endswith(_SUFFIXES):
        raise ArchiveError(
            f"{where} has {name!r} in its transformer; what is opened there ends in "
            f"{', '.join(_SUFFIXES)}"
        )
    if name.endswith(_SETTINGS):
        content = content.read_bytes() if isinstance(content, Path) else content
        _check(read_configuration(content, f"{name} of {where}"), name, where)


def _check(value: Any, name: str, where: str) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            if part and _OPENED.search(key):
                raise ArchiveError(
                    f"{where} names {part!r} as {key} in {name!r}, which would be opened or run; what it "
                    "carries is to stand on its own"
                )
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        _check(part, name, where)
