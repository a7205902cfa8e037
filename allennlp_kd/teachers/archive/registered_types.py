"""AllenNLP without imports by the name of a class."""

from contextlib import contextmanager
from typing import Any, Iterator

from allennlp.common import Registrable
from allennlp.common.checks import ConfigurationError


@contextmanager
def registered_types_only() -> Iterator[None]:
    """Inside, a type is a registered name; one with a dot in it is not imported.

    It stands behind the check of a configuration, which cannot know each place that a type may have:
    a plain string may be one.
    """
    stock = Registrable.__dict__["resolve_class_name"]

    def resolve(cls: Any, name: str) -> Any:
        if "." in name and name not in Registrable._registry[cls]:
            raise ConfigurationError(
                f"'{name}' is not a registered {cls.__name__}, and a class is not imported by its path"
            )
        return stock.__func__(cls, name)

    Registrable.resolve_class_name = classmethod(resolve)  # type: ignore[assignment]
    try:
        yield
    finally:
        Registrable.resolve_class_name = stock  # type: ignore[assignment]
