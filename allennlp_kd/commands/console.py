"""Limits what the commands print of AllenNLP's log to warnings; a run's `out.log` has all of it."""

import logging
import os
import sys
from contextlib import contextmanager
from typing import Any, Iterator

LEVELS = ("ALLENNLP_LOG_LEVEL", "ALLENNLP_DEBUG")
"""AllenNLP's variables of the environment: with one of them set, its log is printed as they say."""


def quiet_console() -> None:
    """Prints only the warnings of the log from now on."""
    if any(os.environ.get(name) for name in LEVELS):
        return
    for handler in logging.getLogger().handlers:
        # Not of a sub-class, such as those for files.
        if type(handler) is logging.StreamHandler:
            handler.setLevel(max(handler.level, logging.WARNING))
            handler.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a warning says more than that the best epoch is looked for to the end, as is wanted."""
    return "patience was set to None" not in record.getMessage()


@contextmanager
def quiet_training() -> Iterator[None]:
    """Inside, `train_model` leaves the console and the form of errors as they are.

    AllenNLP's training prints its whole log, and replaces `sys.excepthook` by one that prints
    tracebacks.
    """
    from allennlp.common import logging as allennlp_logging

    original = allennlp_logging.prepare_global_logging

    def prepared(*arguments: Any, **options: Any) -> None:
        hook = sys.excepthook
        original(*arguments, **options)
        sys.excepthook = hook
        quiet_console()

    allennlp_logging.prepare_global_logging = prepared
    try:
        yield
    finally:
        allennlp_logging.prepare_global_logging = original
