"""Skips the tests marked `gpu` where there is no CUDA device."""

import pytest
import setuptools  # noqa: F401 (it refuses to be imported after distutils, and torch's compiler imports both)


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch  # slow to import, and needed for marked tests alone

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="torch finds no CUDA device"))
