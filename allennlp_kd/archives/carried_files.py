"""Checks the transformer inside an archive."""

import re
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Mapping, Tuple, Union

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.configuration import LARGEST, read_configuration
from allennlp_kd.archives.members import VOCABULARY
from spacy_bridge.tokenizer_guard import LARGEST as LARGEST_TEXT, TokenizerError, check_tokenizer

CARRIED = f"{VOCABULARY}/.transformers/"
"""Where an archive contains the architecture and tokenizer of `pretrained_transformer_layers`."""

_FILES = (
    "config.json", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json",
    "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "bpe.codes", "dict.txt",
    "spiece.model", "spm.model", "tokenizer.model", "sentencepiece.bpe.model", "chat_template.jinja",
)  # fmt: skip
"""The files that tokenizers of encoders read. Other files may name more files, or contain programs
or pickles.
"""

_TEXTS = ("vocab.json", "tokenizer.json")
"""JSON files that may be large."""

_FAMILIES = (
    "Albert", "BigBird", "Bert", "Camembert", "ConvBert", "Deberta", "DebertaV2", "DistilBert", "Electra",
    "Ernie", "Flaubert", "Funnel", "Herbert", "LayoutLM", "Longformer", "MPNet", "MobileBert", "Nystromformer",
    "PreTrained", "RemBert", "RoFormer", "Roberta", "SqueezeBert", "XLM", "XLMRoberta", "XLNet",
)  # fmt: skip
TOKENIZERS = frozenset(f"{family}Tokenizer{fast}" for family in _FAMILIES for fast in ("", "Fast"))
"""The allowed classes of a carried tokenizer: they read only the files beside them."""

ARCHITECTURES = frozenset(
    "albert bert big_bird camembert convbert deberta deberta-v2 distilbert electra ernie flaubert funnel "
    "layoutlm longformer megatron-bert mobilebert modernbert mpnet nystromformer rembert roberta "
    "roberta-prelayernorm roformer squeezebert xlm xlm-roberta xlm-roberta-xl xlnet".split()
)
"""The allowed encoders of a carried transformer, by `model_type`."""

_CHOICES = {"tokenizer_class": TOKENIZERS, "model_type": ARCHITECTURES}
_OPENED = re.compile(
    r"(^auto_map$|^custom_|^mecab_|trust_remote_code|backbone|name_or_path$|_implementation"
    r"|(^|_)(file|path|dir|url|repo)s?($|_))"
)


def carried_transformers(names: Iterable[str]) -> Mapping[str, str]:
    """Returns the folder of each transformer inside an archive, by name.

    # Parameters

    names : `Iterable[str]`
        Of the archive's files.
    """
    inside = [name[len(CARRIED) :] for name in names if name.startswith(CARRIED)]
    return {name.split("/")[0]: CARRIED + name.split("/")[0] for name in inside if "/" in name}


def check_carried(name: str, content: Union[Path, bytes], where: str) -> None:
    """Refuses a carried transformer's file if it is unknown, names anything outside the archive, or
    needs too much time or memory.

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
    file = name.rsplit("/", 1)[-1]
    if file not in _FILES or name[len(CARRIED) :].count("/") != 1:
        raise ArchiveError(
            f"{where} has the file {name!r} in its transformer; only these are allowed: "
            f"{', '.join(_FILES)}"
        )
    if file.endswith(".json"):
        content = content.read_bytes() if isinstance(content, Path) else content
        _check(read_transformer_file(name, content, where), name, where)


def read_transformer_file(name: str, content: bytes, where: str) -> Dict[str, Any]:
    """Reads a transformer's JSON file after checking that its classes are known and its size is
    limited.

    # Parameters

    name : `str`
        Its path.
    content : `bytes`
    where : `str`
        What it is a file of, for errors.

    # Raises

    ArchiveError
        If it is not JSON; if it names a tokenizer or an architecture that is not listed; or if it is a
        tokenizer that could take more than linear time or memory.
    """
    file = name.rsplit("/", 1)[-1]
    largest = LARGEST_TEXT if file in _TEXTS else LARGEST
    found = read_configuration(content, f"{name} of {where}", largest)
    if file in _TEXTS:
        _check_tokenizer(file, content, f"{name} of {where}")
        return {}
    for key, value in _entries(found):
        if value is not None and key in _CHOICES and str(value) not in _CHOICES[key]:
            raise ArchiveError(
                f"{where} has {value!r} as {key} in {name!r}, expected one of "
                f"{', '.join(sorted(_CHOICES[key]))}"
            )
    return found


def without_places(settings: Any) -> Any:
    """Removes the entries that name files, folders or code from the settings of a transformer."""
    if isinstance(settings, dict):
        kept = {key: value for key, value in settings.items() if not _OPENED.search(key)}
        return {key: without_places(value) for key, value in kept.items()}
    return [without_places(part) for part in settings] if isinstance(settings, list) else settings


def _check_tokenizer(file: str, content: bytes, where: str) -> None:
    if file == "tokenizer.json":
        try:
            check_tokenizer(content, where)
        except TokenizerError as error:
            raise ArchiveError(str(error)) from error


def _check(settings: Dict[str, Any], name: str, where: str) -> None:
    for key, part in _entries(settings):
        if part and _OPENED.search(key):
            raise ArchiveError(
                f"{where} names {part!r} as {key} in {name!r}, which would be opened or run; a "
                "carried transformer must be self-contained"
            )


def _entries(value: Any) -> Iterator[Tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _entries(part)


def carried_configurations(
    files: Mapping[str, Union[Path, bytes]], where: str
) -> Mapping[str, Any]:
    """Returns the configurations of an archive's carried transformers, by path.

    # Parameters

    files : `Mapping[str, Union[Path, bytes]]`
        Files of the archive, or what is in them, by their paths in it.
    where : `str`
        The archive, for errors.

    # Raises

    ArchiveError
        If one is not JSON.
    """
    found = {}
    for name, content in files.items():
        if name.startswith(CARRIED) and name.endswith("/config.json"):
            content = content.read_bytes() if isinstance(content, Path) else content
            found[name] = read_configuration(content, f"{name} of {where}")
    return found
