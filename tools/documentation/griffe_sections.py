"""Lets the API reference show the sections of this project's docstrings."""

from typing import Any

import griffe

from tools.documentation.docstrings import as_numpydoc


class Sections(griffe.Extension):
    """Rewrites docstrings as they are collected; no module is imported for it."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Is called for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_numpydoc(obj.docstring.value)
