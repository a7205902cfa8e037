"""Reads and writes Parquet files with PyArrow, which is imported lazily."""

from typing import Any, Iterator, List

from spacy_bridge.corpus.errors import ShardsError
from spacy_bridge.corpus.row import Row

COLUMNS = ("words", "text")
BATCH = 1024  # rows


def pyarrow() -> Any:
    """Returns the package PyArrow.

    # Raises

    ShardsError
        If it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ShardsError(
            "Parquet files need PyArrow: pip install 'allennlp-kd[parquet]'"
        ) from error
    return pyarrow


def column_of(path: str, given: str) -> str:
    """Returns the given column, or the first of `COLUMNS` that the file has.

    # Raises

    ShardsError
        If there is none, or it holds neither strings nor lists of strings.
    """
    arrow = pyarrow()
    schema = arrow.parquet.read_schema(path)
    column = given or next((name for name in COLUMNS if name in schema.names), "")
    if column not in schema.names:
        wanted = f"a column '{given}'" if given else f"a column {' or '.join(COLUMNS)}"
        raise ShardsError(f"{path} must have {wanted}, found {', '.join(schema.names)}")
    kind = schema.field(column).type
    if not _is_text(kind) and not _is_words(kind):
        raise ShardsError(
            f"{path}: the column '{column}' must contain strings or lists of strings, found {kind}"
        )
    return column


def count(path: str) -> int:
    """Returns the number of rows."""
    return pyarrow().parquet.read_metadata(path).num_rows


def rows(path: str, column: str, start: int, end: int) -> Iterator[Row]:
    """Yields the rows from `start` to `end`; only their row groups are read.

    # Raises

    ShardsError
        If a row is null.
    """
    arrow = pyarrow()
    with open(path, "rb") as opened:
        file = arrow.parquet.ParquetFile(opened)
        first, groups, skipped = 0, [], 0
        for number in range(file.num_row_groups):
            last = first + file.metadata.row_group(number).num_rows
            if last > start and first < end:
                skipped = skipped if groups else first
                groups.append(number)
            first = last
        place = skipped
        for batch in file.iter_batches(BATCH, row_groups=groups, columns=[column]):
            for value in batch.column(0).to_pylist():
                if start <= place < end:
                    yield _row(value, path, column, place)
                place += 1


def _row(value: Any, path: str, column: str, place: int) -> Row:
    words: List[str] = value if isinstance(value, list) else []
    if value is None or None in words:
        raise ShardsError(f"{path}, row {place}: the column '{column}' is null")
    return Row(text=value) if isinstance(value, str) else Row(words=tuple(words))


def _is_text(kind: Any) -> bool:
    types = pyarrow().types
    return types.is_string(kind) or types.is_large_string(kind)


def _is_words(kind: Any) -> bool:
    types = pyarrow().types
    return (types.is_list(kind) or types.is_large_list(kind)) and _is_text(kind.value_type)
