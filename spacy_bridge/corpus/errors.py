"""The error of the corpus commands."""


class ShardsError(ValueError):
    """A corpus, an option or an output cannot be used; the message gives the reason."""
