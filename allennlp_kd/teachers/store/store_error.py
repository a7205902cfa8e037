"""What is wrong with a store."""

from allennlp.common.checks import ConfigurationError


class StoreError(ConfigurationError):
    """A store that is damaged, full, of another format, or of another teacher."""
