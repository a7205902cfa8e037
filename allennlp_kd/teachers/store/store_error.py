"""The error that a store raises."""

from allennlp.common.checks import ConfigurationError


class StoreError(ConfigurationError):
    """A store is damaged or full, or belongs to another format or teacher."""
