"""Prevents AllenNLP from importing classes by their path."""

from contextlib import contextmanager
from typing import Any, Iterator

from allennlp.common import Registrable
from allennlp.common.checks import ConfigurationError


@contextmanager
def registered_types_only() -> Iterator[None]:
    """A context in which a type must be a registered name, and a dotted path is not imported.

    It stands behind the check of a configuration, which cannot know each place that a type may have:
    a plain string may be one.
    """
    stock = Registrable.__dict__["resolve_class_name"]

    def resolve(cls: Any, name: str) -> Any:
        if "." in name and name not in Registrable._registry[cls]:
            raise ConfigurationError(
                f"'{name}' is not a registered {cls.__name__}, and classes are not imported by "
                "their path"
            )
        return stock.__func__(cls, name)

    Registrable.resolve_class_name = classmethod(resolve)  # type: ignore[assignment]
    try:
        yield
    finally:
        Registrable.resolve_class_name = stock  # type: ignore[assignment]
