"""The error for archives that cannot be opened."""


class ArchiveError(ValueError):
    """An archive is damaged, or would do more than load a model; the message says what to do."""
