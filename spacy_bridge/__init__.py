"""The spaCy side: a student as pipeline components that need neither AllenNLP nor torch to run."""

from typing import Any


def load_student(*args: Any, **kwargs: Any) -> Any:
    """See `spacy_bridge.packaging.notebook.load_student`; imported when called, for it may need torch."""
    from spacy_bridge.packaging.notebook import load_student as load

    return load(*args, **kwargs)
