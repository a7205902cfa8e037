"""Finds references to anything outside an archive in its configuration."""

import re
from pathlib import PureWindowsPath
from typing import Any, Callable, Dict, Iterator, NamedTuple, Optional, Tuple

from allennlp_kd.archives.archive_error import ArchiveError

CARRYING = ("pretrained_transformer_layers",)
"""Types that open their transformer inside the archive, whatever `model_name` says."""

TRANSFORMER = "model_name"

FORGOTTEN = ("pretrained_file", "initializer")
"""Entries that AllenNLP removes from an archive's model, because its weights are in the archive."""

FROM_OUTSIDE = ("serialization_dir", "local_rank", "vocab", "ddp_accelerator", "_pretrained")
"""Parameters that AllenNLP sets itself, or that make it open another archive."""

ELMO = "elmo_token_embedder"

FETCHING = (ELMO, "spacy", "gqa")
"""Types that download something even if the configuration names nothing."""

_ELMO_FILES = ("options_file", "weight_file")
_NEVER_OPENED = re.compile(r"(^|_)(regex(es)?|delimiters?|separators?)$")
"""Parameters whose value may look like a path or a class but is not."""

_OPENED = re.compile(
    r"(^|_)(files?|filename|paths?|dirs?|directory|folder|ur[il]s?|archive|checkpoint|script|language|backbone"
    r"|pretrained_models?|(?:transformer|bert)_model(?:_name)?)($|_)"
)
"""Names of parameters whose value is opened, in AllenNLP and similar code."""

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://")
_SPECIAL = re.compile(r"^(<[^<>]*>|\[[^\[\]]*\]|[/\\])$")  # such as the piece </s>
_CLASS = re.compile(r"^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)+$")

_OPTIONS = {
    "tokenizer_kwargs": {
        "use_fast", "add_prefix_space", "trim_offsets", "do_lower_case", "do_basic_tokenize",
        "strip_accents", "tokenize_chinese_chars", "clean_text", "keep_accents", "max_len",
        "max_length", "model_max_length", "padding_side", "truncation_side", "additional_special_tokens",
        "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token", "legacy",
    },
    "transformer_kwargs": {
        "num_hidden_layers", "output_attentions", "output_hidden_states", "add_pooling_layer",
        "hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout",
        "activation_dropout", "layerdrop", "gradient_checkpointing", "max_position_embeddings",
    },
}  # fmt: skip
"""Allowed arguments of `from_pretrained`, which also accepts folders, hub names and permission to
run code.
"""

_SWITCHES = (
    "use_auth_token", "token", "trust_remote_code", "local_files_only", "force_download",
    "resume_download", "cache_dir", "revision", "subfolder", "mirror", "proxies",
)  # fmt: skip
"""Arguments of `from_pretrained` that are allowed only if false or null."""


class Remedies(NamedTuple):
    """Advice for the user in error messages.

    # Parameters

    transformer, trust : `str`
        How a transformer's folder is given, and how an archive is trusted.
    elmo : `str`, optional (default = `""`)
        How ELMo's options file is given, where it can be.
    """

    transformer: str
    trust: str
    elmo: str = ""


def refuse_foreign_names(
    parts: Dict[str, Any], where: str, remedies: Remedies, is_carried: Callable[[str], bool]
) -> None:
    """
    # Parameters

    parts : `Dict[str, Any]`
        Those parts of the configuration that are built.
    where : `str`
        The archive, for errors.
    remedies : `Remedies`
    is_carried : `Callable[[str], bool]`
        Whether the archive has a transformer of this name inside.

    # Raises

    ArchiveError
        If one of them imports a class by its path, opens another archive, or names a file, a URL, a
        model on the Hugging Face Hub or a variable; the value is named, and its place.
    """
    for place, key, value, fault in external_values(parts, is_carried):
        message = f"{where} names {fault} {value!r} in {place}, which is not inside it"
        if key == TRANSFORMER:
            raise ArchiveError(
                f"{message}: set {remedies.transformer} to the folder of that transformer, or "
                f"{remedies.trust} if you trust the archive"
            )
        if remedies.elmo and (value == ELMO or key in _ELMO_FILES):
            raise ArchiveError(
                f"{message}: set {remedies.elmo} to ELMo's options file, or {remedies.trust} if you "
                "trust the archive"
            )
        raise ArchiveError(
            f"{message}; set {remedies.trust} if you trust the archive like a program that you run"
        )


def external_values(
    parts: Dict[str, Any], is_carried: Callable[[str], bool]
) -> Iterator[Tuple[str, str, Any, str]]:
    """Yields the references to anything outside the archive in a configuration.

    # Returns

    `Iterator[Tuple[str, str, Any, str]]`
        Each value's place, key and value, and what it is, in words.
    """
    for place, key, value, owner in entries(parts):
        if carries(owner, is_carried) and key in (TRANSFORMER, "from_archive", "archive_prefix"):
            continue
        if (key, value) == ("type", ELMO) and all(name in owner for name in _ELMO_FILES):
            continue  # it downloads nothing
        fault = _fault(key, value)
        if fault is not None:
            yield place, key, value, fault


def _fault(key: str, value: Any) -> Optional[str]:
    if key in FROM_OUTSIDE:
        return f"{key},"
    if key.endswith("_kwargs") and isinstance(value, dict):
        off = {name for name in _SWITCHES if value.get(name, True) in (False, None)}
        unknown = sorted(set(value) - _OPTIONS.get(key, set()) - off)
        return f"the option{'s' * (len(unknown) > 1)} {', '.join(unknown)}," if unknown else None
    if isinstance(value, dict) and _OPENED.search(key) and "type" not in value:
        return "the files" if any(isinstance(part, str) for part in value.values()) else None
    if not isinstance(value, str) or not value or _NEVER_OPENED.search(key):
        return None
    if key == TRANSFORMER:
        return "the transformer"
    if key == "type" and value == "from_archive":
        return "another archive,"
    if key == "type" and value in FETCHING:
        return "what is downloaded for"
    if value == ELMO or (key.endswith(("tokenizer", "splitter")) and value in FETCHING):
        return "what is downloaded for"
    if _URL.match(value):
        return "the URL"
    separated = ("/" in value or "\\" in value) and not _SPECIAL.match(value)
    if separated or value == ".." or value.startswith("~") or PureWindowsPath(value).drive:
        return "the path"
    if _CLASS.match(value) or (key == "type" and "." in value):
        return "the class"
    return "the file" if _OPENED.search(key) else None


def entries(value: Any, place: str = "") -> Iterator[Tuple[str, str, Any, Dict[str, Any]]]:
    """Yields each value's place and key, the value, and its parent object; also for lists."""
    if not isinstance(value, dict):
        return
    for key, inside in value.items():
        where = f"{place}.{key}" if place else key
        yield where, key, inside, value
        yield from _inside(inside, where, key, value)


def _inside(value: Any, place: str, key: str, owner: Dict[str, Any]) -> Iterator[Tuple]:
    if isinstance(value, dict):
        yield from entries(value, place)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            where = f"{place}.{number}"
            yield where, key, part, owner
            yield from _inside(part, where, key, owner)


def forget_sources(model: Any) -> Any:
    """Removes the entries of a model's configuration that AllenNLP ignores when it opens an
    archive.
    """
    if isinstance(model, dict):
        return {key: forget_sources(part) for key, part in model.items() if key not in FORGOTTEN}
    return [forget_sources(part) for part in model] if isinstance(model, list) else model


def carries(owner: Dict[str, Any], is_carried: Callable[[str], bool]) -> bool:
    """Whether the archive contains the transformer that a part of its configuration names."""
    folder = owner.get("carried_as", "transformer")
    return owner.get("type") in CARRYING and isinstance(folder, str) and is_carried(folder)
