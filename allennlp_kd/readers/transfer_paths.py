"""The data path of a transfer set: labeled and unlabeled files."""

from os import PathLike
from typing import Any, List, Mapping, NamedTuple, Union

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

KEYS = ("labelled", "unlabelled")


class TransferPaths(NamedTuple):
    """The labeled and the unlabeled files that a data path names.

    # Parameters

    labelled, unlabelled : `List[str]`
    """

    labelled: List[str]
    unlabelled: List[str]

    @staticmethod
    def is_one(data_path: Any) -> bool:
        """Whether a data path is a mapping, and not the path of a single file."""
        return isinstance(data_path, Mapping)

    @classmethod
    def of(cls, data_path: Mapping[str, Any]) -> "TransferPaths":
        """
        # Parameters

        data_path : `Mapping[str, Any]`
            `labelled` and `unlabelled`, each a path or a list of paths.

        # Raises

        ConfigurationError
            If it has another key, or no `unlabelled`.
        """
        if isinstance(data_path, Params):
            data_path = data_path.as_dict(quiet=True)
        if "unlabelled" not in data_path or set(data_path) - set(KEYS):
            raise ConfigurationError(
                "a data path that is a mapping must have the keys `labelled` and `unlabelled`, found "
                f"{', '.join(data_path) or 'none'}"
            )
        return cls(*(_listed(data_path.get(key, [])) for key in KEYS))


def _listed(paths: Union[str, PathLike, List[str]]) -> List[str]:
    return list(paths) if isinstance(paths, (list, tuple)) else [paths]
