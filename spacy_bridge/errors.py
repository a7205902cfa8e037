"""The errors of the bridge."""


class BridgeError(ValueError):
    """What the bridge refuses, with the reason."""


class PackageError(BridgeError):
    """A packaged student that is damaged, incomplete, of another version or not to be trusted."""


class UnsupportedError(BridgeError):
    """A part of an archive that cannot be packaged, by its name."""
