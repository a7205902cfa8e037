"""Reports how to install the training side if AllenNLP is missing."""

from importlib.util import find_spec

PACKAGES = ("allennlp", "allennlp_models", "torch")


def require_training_side(module: str) -> None:
    """
    # Parameters

    module : `str`
        The name of the module that needs the training side.

    # Raises

    ImportError
        If a package of the training side is not installed; one sentence with the command that installs it.
    """
    absent = [name for name in PACKAGES if find_spec(name) is None]
    if absent:
        raise ImportError(
            f"{module} needs {' and '.join(absent)}: install the training side with `pip install "
            "--no-deps -r requirements/modern-py311.txt` on Python 3.11 (the file is in the "
            "project's repository), or with `pip install 'allennlp-kd[train]'` on Python 3.10."
        )
