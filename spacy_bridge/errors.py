"""The errors that the bridge raises."""


class BridgeError(ValueError):
    """Base class: the bridge refuses an input; the message gives the reason."""


class PackageError(BridgeError):
    """A packaged student is damaged, incomplete, of another version, or not to be trusted."""


class UnsupportedError(BridgeError):
    """A part of an archive cannot be packaged; the message names it."""
