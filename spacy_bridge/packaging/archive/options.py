"""Reads the options of one part of a configuration, and refuses unknown ones."""

from typing import Any, Dict, Mapping, Optional

from spacy_bridge.errors import UnsupportedError

_REQUIRED = object()


class Options:
    """The options of one part, each read once; `finish` refuses options that were not read.

    So an option that changes numbers can never be overlooked.

    # Parameters

    config : `Mapping[str, Any]`
    where : `str`
        The part's place in the configuration, for errors.
    """

    def __init__(self, config: Optional[Mapping[str, Any]], where: str) -> None:
        if config is not None and not isinstance(config, Mapping):
            raise UnsupportedError(f"{where} must be an object, found {config!r}")
        self._config: Dict[str, Any] = dict(config or {})
        self.where = where

    def take(self, name: str, default: Any = _REQUIRED) -> Any:
        """Returns the value of an option, or its default in AllenNLP."""
        if name not in self._config:
            if default is _REQUIRED:
                raise UnsupportedError(f"{self.where} lacks {name!r}")
            return default
        return self._config.pop(name)

    def has(self, name: str) -> bool:
        """Whether an option is given and not null."""
        return self._config.get(name) is not None

    def part(self, name: str) -> "Options":
        """Returns a part inside this one."""
        return Options(self.take(name), f"{self.where}.{name}")

    def ignore(self, *names: str) -> None:
        """Ignores options that do not affect the results of a trained model."""
        for name in names:
            self._config.pop(name, None)

    def refuse(self, name: str, harmless: Any) -> None:
        """Refuses a known option unless it has the one supported value."""
        value = self.take(name, harmless)
        if value != harmless:
            raise UnsupportedError(
                f"{self.where}.{name} is {value!r}, which cannot be packaged; it must be {harmless!r}"
            )

    def finish(self) -> None:
        """
        # Raises

        UnsupportedError
            If an option is left.
        """
        if self._config:
            names = ", ".join(repr(name) for name in sorted(self._config))
            raise UnsupportedError(f"{self.where} has options that cannot be packaged: {names}")
