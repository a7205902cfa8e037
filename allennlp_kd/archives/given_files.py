"""Replaces the files that an archive's configuration names by files of the user."""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Set

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.external_references import ELMO, TRANSFORMER, carries, entries

_SLOTS = ("token_indexers", "token_embedders")  # an indexer and its embedder have the same name


class GivenFiles(NamedTuple):
    """The files that the user provides.

    # Parameters

    transformer : `str`, optional
        The folder (or the name on the Hugging Face Hub) of the transformer.
    elmo_options : `str`, optional
        The options file of ELMo.
    elmo_weights : `str`, optional
        The weight file of ELMo. An archive has these weights inside, so a model is built without the
        file, unless it caches words (`vocab_to_cache`).
    """

    transformer: Optional[str] = None
    elmo_options: Optional[str] = None
    elmo_weights: Optional[str] = None

    def place(self, parts: Dict[str, Any], where: str) -> Dict[str, Any]:
        """Returns the configuration with these files.

        # Parameters

        parts : `Dict[str, Any]`
            Those parts of the configuration that are built.
        where : `str`
            The archive, for errors.

        # Raises

        ArchiveError
            If the configuration has no place for one of the files, or more than one.
        """
        if self.transformer is not None:
            parts = _with_transformer(parts, self.transformer, where)
        if self.elmo_options is not None:
            parts = _with_elmo(parts, self.elmo_options, self.elmo_weights or "", where)
        elif self.elmo_weights is not None:
            raise ArchiveError(
                f"{where} got ELMo's weight file {self.elmo_weights} without its options file: "
                "give both, or only the options file"
            )
        return parts

    def blank(self) -> "GivenFiles":
        """Puts empty names in the same places, which the check for outside references ignores."""
        return GivenFiles(*(None if value is None else "" for value in self))


NOTHING_GIVEN = GivenFiles()


def _with_transformer(parts: Any, transformer: str, where: str) -> Any:
    found = transformers(parts)
    if len(found) != 1:
        listed = "; ".join(", ".join(names) for names in found)
        raise ArchiveError(
            f"{where} names {len(found)} transformers{': ' * bool(found)}{listed}; transformer "
            f"{transformer!r} can replace only one"
        )
    return _replaced(parts, lambda part: {TRANSFORMER: transformer} if _named(part) else {})


def _with_elmo(parts: Any, options: str, weights: str, where: str) -> Any:
    embedders = [owner for _, key, value, owner in entries(parts) if (key, value) == ("type", ELMO)]
    if not embedders:
        raise ArchiveError(f"{where} has no {ELMO}, but ELMo's options file {options} is given")
    caching = any(embedder.get("vocab_to_cache") for embedder in embedders)
    if caching and not weights and options:
        raise ArchiveError(
            f"{where} caches ELMo's word vectors (vocab_to_cache), which are computed from ELMo's "
            "weight file: give that file too"
        )
    files = {"options_file": options, "weight_file": weights}
    return _replaced(parts, lambda part: files if part.get("type") == ELMO else {})


def transformers(parts: Any) -> List[List[str]]:
    """Returns the transformers that a configuration names, each with all of its names.

    An indexer and its embedder are of one transformer, whatever they call it.
    """
    return _grouped(parts, lambda owner: True)


def foreign_transformers(
    parts: Dict[str, Any], is_carried: Callable[[str], bool]
) -> List[List[str]]:
    """Returns those of `transformers` that the archive does not contain."""
    return _grouped(parts, lambda owner: not carries(owner, is_carried))


def _grouped(parts: Any, counts: Callable[[Dict[str, Any]], bool]) -> List[List[str]]:
    groups: List[Set[str]] = []  # names and, in brackets, slots
    for place, key, value, owner in entries(parts):
        if key != TRANSFORMER or not _named(owner) or not counts(owner):
            continue
        path = place.split(".")
        slots = {f"[{after}]" for before, after in zip(path, path[1:]) if before in _SLOTS}
        joined = {value} | slots
        for group in [group for group in groups if group & joined]:
            groups.remove(group)
            joined |= group
        groups.append(joined)
    return sorted(sorted(name for name in group if name[:1] != "[") for group in groups)


def _named(part: Dict[str, Any]) -> bool:
    return isinstance(part.get(TRANSFORMER), str)


def _replaced(value: Any, files: Callable[[Dict[str, Any]], Dict[str, str]]) -> Any:
    if isinstance(value, dict):
        return {**{key: _replaced(part, files) for key, part in value.items()}, **files(value)}
    return [_replaced(part, files) for part in value] if isinstance(value, list) else value
