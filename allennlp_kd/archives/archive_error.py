"""What is wrong with an archive."""


class ArchiveError(ValueError):
    """An archive that is damaged, or would do more than hold a model; the message says what to do."""
