"""Reads a file and reports malformed lines with file and line number."""

from contextlib import contextmanager
from itertools import islice
from os import PathLike
from typing import Any, Iterator, TypeVar, Union

from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Instance
from conllu.exceptions import ParseException

from allennlp_kd.readers.malformed_lines import byte_order_mark, columns_of, fault_of

Item = TypeVar("Item")

_MISREAD = (ValueError, KeyError, ParseException, ConfigurationError)


def explained(reader: DatasetReader, file_path: Union[str, PathLike]) -> Iterator[Instance]:
    """Yields a reader's instances of a file, and turns its errors into ones that name the malformed
    line.

    A stock reader of columns drops what a line has too much, and a whole column where a line has
    too little: such a file is read through beforehand. Stock readers also keep a byte-order mark.

    # Raises

    ConfigurationError
        If the file cannot be read (with file and line number where they are known).
    """
    fault = byte_order_mark(reader, file_path)
    if fault is None and columns_of(reader) is not None:
        fault = fault_of(reader, file_path)
    if fault is not None:
        raise ConfigurationError(fault)
    try:
        yield from reader._read(file_path)
    except _MISREAD as error:
        fault = fault_of(reader, file_path)
        if fault is None and isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(fault or f"{file_path} cannot be read: {error}") from error


def require_sentences(items: Iterator[Item], file_path: Any) -> Iterator[Item]:
    """Yields the same items, and raises an error if there are none.

    # Raises

    ConfigurationError
        If there is none.
    """
    first = next(items, None)
    if first is None:
        raise ConfigurationError(
            f"{file_path} has no sentences: expected at least one to train or validate on"
        )
    yield first
    yield from items


@contextmanager
def unsharded(reader: DatasetReader) -> Iterator[None]:
    """A context in which a sharded reader yields all instances, not only its process's part."""
    found = reader.get_distributed_info(), reader.get_worker_info()
    reader._set_distributed_info(None)
    reader._set_worker_info(None)
    # AllenNLP's readers call this function; it asks `torch.distributed`.
    reader.shard_iterable = lambda items: islice(iter(items), reader.max_instances)
    try:
        yield
    finally:
        del reader.shard_iterable
        reader._set_distributed_info(found[0])
        reader._set_worker_info(found[1])
