"""Reports how to install the packages that packaging needs."""

from importlib.util import find_spec

from spacy_bridge.errors import BridgeError

PACKAGES = ("torch", "onnx")


def require_packages(what: str) -> None:
    """
    # Parameters

    what : `str`
        What is to be packaged, for the error.

    # Raises

    BridgeError
        If a package that packaging needs is not installed.
    """
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise BridgeError(
            f"packaging {what} needs {' and '.join(absent)}, which serving does not need: pip "
            "install 'allennlp-kd[package]'"
        )
