"""Blocks network access and spaCy pipelines while an untrusted archive is opened."""

import socket
import threading
from contextlib import contextmanager
from typing import Any, Iterator

from allennlp.common.checks import ConfigurationError
from allennlp.data.tokenizers import sentence_splitter, spacy_tokenizer


@contextmanager
def nothing_fetched(where: str) -> Iterator[None]:
    """A context in which this thread cannot access the network or open a spaCy pipeline.

    The check of a configuration refuses the types that are known to fetch. This stands behind it: a
    reader's default may fetch where the configuration names nothing.

    # Parameters

    where : `str`
        The archive, for errors.

    # Raises

    ConfigurationError
        If something inside tries to.
    """
    here = threading.get_ident()

    def refuse(what: str) -> None:
        raise ConfigurationError(
            f"{where} needs {what}, which it does not contain; set 'trust: true' if you trust the "
            "archive like a program that you run"
        )

    def no_pipeline(stock: Any) -> Any:
        def wrapped(name: str, *rest: Any, **options: Any) -> Any:
            if threading.get_ident() == here:
                refuse(f"the spaCy pipeline {name!r}")
            return stock(name, *rest, **options)

        return wrapped

    def no_connection(stock: Any) -> Any:
        def wrapped(*arguments: Any, **options: Any) -> Any:
            if threading.get_ident() == here:
                refuse("the network")
            return stock(*arguments, **options)

        return wrapped

    patches = [
        (spacy_tokenizer, "get_spacy_model", no_pipeline),
        (sentence_splitter, "get_spacy_model", no_pipeline),
        (socket, "getaddrinfo", no_connection),
        (socket.socket, "connect", no_connection),
        (socket.socket, "connect_ex", no_connection),
    ]
    stocks = [getattr(owner, name) for owner, name, _ in patches]
    for (owner, name, patch), stock in zip(patches, stocks):
        setattr(owner, name, patch(stock))
    try:
        yield
    finally:
        for (owner, name, _), stock in zip(patches, stocks):
            setattr(owner, name, stock)
