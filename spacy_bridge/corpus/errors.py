"""What is refused."""


class ShardsError(ValueError):
    """A corpus, an option or an output that cannot be used, with the reason."""
