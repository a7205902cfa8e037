"""Checks the parts of an archive's configuration that are built."""

from typing import Any, Dict, Iterable

from allennlp_kd.archives.carried_files import carried_transformers
from allennlp_kd.archives.configuration import inner, read_configuration
from allennlp_kd.archives.external_references import (
    Remedies,
    forget_sources,
    refuse_foreign_names,
)
from allennlp_kd.archives.given_files import NOTHING_GIVEN, GivenFiles
from allennlp_kd.archives.stock_classes import with_registered_type

_VOCABULARY = ("type", "padding_token", "oov_token")


def archive_parts(
    content: bytes,
    names: Iterable[str],
    where: str,
    remedies: Remedies,
    given: GivenFiles = NOTHING_GIVEN,
    trust: bool = False,
) -> Dict[str, Any]:
    """Returns the archive's `model`, `dataset_reader`, `validation_dataset_reader` and
    `vocabulary`.

    For a distillation the model is its student, and the readers are the student's: teachers are not
    opened. What is left out of the rest, such as trainer and paths of data, is not looked at.

    # Parameters

    content : `bytes`
        Of its `config.json`.
    names : `Iterable[str]`
        Of its files.
    where : `str`
        For errors.
    remedies : `Remedies`
        What to tell the user.
    given : `GivenFiles`, optional
        What the user gives in place of what the archive names.
    trust : `bool`, optional (default = `False`)
        Whether it may name anything outside it.

    # Raises

    ArchiveError
        If the configuration is not JSON, or lacks a part; without `trust`, if it names
        anything outside the archive.
    """
    config = read_configuration(content, f"config.json of {where}")
    reader = with_registered_type(inner(config.get("dataset_reader"), "reader", where))
    validation = config.get("validation_dataset_reader")
    parts = {
        "model": forget_sources(with_registered_type(inner(config.get("model"), "student", where))),
        "dataset_reader": reader,
        "validation_dataset_reader": reader
        if validation is None
        else with_registered_type(inner(validation, "reader", where)),
    }
    vocabulary = config.get("vocabulary")
    if isinstance(vocabulary, dict):
        parts["vocabulary"] = {key: vocabulary[key] for key in _VOCABULARY if key in vocabulary}
    carried = carried_transformers(names)
    placed = given.place(parts, where)
    if not trust:
        # A value from the user replaces the archive's, which is then not checked.
        checked = given.blank().place(parts, where)
        refuse_foreign_names(checked, where, remedies, carried.__contains__)
    return placed
