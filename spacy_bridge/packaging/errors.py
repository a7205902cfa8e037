"""What the packager refuses."""

from spacy_bridge.runtime.errors import BridgeError


class UnsupportedError(BridgeError):
    """A part of an archive that the run-time has no counterpart of, by its name."""
