"""Finds the store in a distillation's configuration, for the commands that fill it."""

import argparse
from typing import Any, Dict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments for the configuration, as in `allennlp train`."""
    parser.add_argument(
        "param_path", type=str, help="path to the configuration of the distillation"
    )
    parser.add_argument(
        "-o",
        "--overrides",
        type=str,
        default="",
        help="a JSON(NET) structure, as for `allennlp train`",
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="let the teacher's archive name files and models outside itself, as `trust: true` in "
        "the configuration does",
    )


def configuration(arguments: argparse.Namespace) -> Dict[str, Any]:
    """Returns the whole configuration, whose `dataset_reader` has a teacher with a store: see
    `store_of`.

    # Raises

    ConfigurationError
        If it has none.
    """
    from allennlp.common import Params
    from allennlp.common.checks import ConfigurationError

    params = Params.from_file(arguments.param_path, arguments.overrides)
    given = params.as_dict(quiet=True)
    reader = given.get("dataset_reader") or {}
    if not has_store(reader):
        raise ConfigurationError(
            f"{arguments.param_path} has no store to score into: its dataset_reader must be of "
            f"type 'distillation', found '{reader.get('type')}', with a teacher of type 'store', "
            f"found '{store_of(reader).get('type')}'"
        )
    return trusted(given) if arguments.trust else given


def has_store(reader: Dict[str, Any]) -> bool:
    """Whether a reader's parameters describe a distillation that reads from a store."""
    return (reader.get("type"), store_of(reader).get("type")) == ("distillation", "store")


def store_of(reader: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the store's parameters in a reader's. The store keeps the scores from before
    `converted`.
    """
    teacher = reader.get("teacher") or {}
    while teacher.get("type") == "converted":
        teacher = teacher["teacher"]
    return teacher


def trusted(config: Any) -> Any:
    """Returns the configuration with `trust` set for each archive that is a teacher."""
    if isinstance(config, dict):
        found = {key: trusted(value) for key, value in config.items()}
        return {**found, "trust": True} if "archive_file" in found else found
    return [trusted(value) for value in config] if isinstance(config, list) else config
