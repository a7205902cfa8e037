"""Runs students as spaCy components, without AllenNLP and torch."""

from typing import Any


def load_student(*args: Any, **kwargs: Any) -> Any:
    """See `spacy_bridge.packaging.load_student.load_student`; imported lazily, because it may need
    torch.
    """
    from spacy_bridge.packaging.load_student import load_student as load

    return load(*args, **kwargs)


def open_pipeline(*args: Any, **kwargs: Any) -> Any:
    """See `spacy_bridge.components.open_pipeline.open_pipeline`."""
    from spacy_bridge.components.open_pipeline import open_pipeline as open_

    return open_(*args, **kwargs)
