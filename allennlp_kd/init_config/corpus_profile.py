"""Profiles a corpus for `kd-init`: its reader, its size and its labels."""

import itertools
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader
from allennlp.data.fields import SequenceLabelField

from allennlp_kd.fields.sentence import TEXT_FIELDS
from allennlp_kd.init_config.teacher_profile import TeacherProfile
from allennlp_kd.readers.reader_errors import explained
from allennlp_kd.readers.span_encodings import LETTERS
from allennlp_kd.text_files import cells_of, is_document_start, lines_of

CONLLU_COLUMNS = 10
# Readers by their number of columns, and the columns that may contain the labels.
COLUMN_READERS = {4: ("conll2003", ("ner", "chunk", "pos")), 3: ("conll2000", ("chunk", "pos"))}
LINES = 2000  # lines to look at when guessing a format


class CorpusProfile(NamedTuple):
    """
    # Parameters

    reader : `Dict[str, Any]`
        The student's reader, without indexers.
    sentences, words : `int`
    labels : `Set[str]`
        The labels of its annotation.
    unopened : `int`
        The words with an `I-X` that no `B-X` or `I-X` precedes, as IOB1 has them.
    text_field : `str`
        The name of the field with the words.
    """

    reader: Dict[str, Any]
    sentences: int
    words: int
    labels: Set[str]
    unopened: int
    text_field: str


def reader_for(teacher: TeacherProfile, path: str) -> Dict[str, Any]:
    """Returns a reader for an annotated file: the archive's own, or one for the file's format.

    # Raises

    ConfigurationError
        If the file's format is unknown.
    """
    if teacher.reader is not None:
        return dict(teacher.reader)
    rows, tagged = _rows(path)
    if not rows and not tagged:
        raise ConfigurationError(f"{path} is empty: expected an annotated file to train on")
    if tagged:
        return {"type": "sequence_tagging"}
    counts = {len(row) for row in rows}
    if counts == {CONLLU_COLUMNS}:
        if teacher.structure == "tree":
            return {"type": "universal_dependencies"}
        columns = {"upos": 3, "xpos": 4}
        best = max(columns, key=lambda name: _shared(rows, columns[name], teacher.labels))
        return {"type": "conllu_tagging", "column": best}
    if teacher.structure == "tree":
        raise ConfigurationError(f"{path}: a parser needs CoNLL-U with 10 columns, found {counts}")
    if len(counts) == 1 and next(iter(counts)) in COLUMN_READERS:
        (count,) = counts
        kind, names = COLUMN_READERS[count]
        index = {"ner": 3, "chunk": 2, "pos": 1}
        best = max(names, key=lambda name: _shared(rows, index[name], teacher.labels))
        encoding = _wanted_encoding(rows, index[best], teacher)
        if encoding is None:
            return {"type": kind, "tag_label": best}
        return {"type": "column_tags", "column": index[best], "encoding": encoding}
    if len(counts) == 1 and counts != {1}:
        (count,) = counts
        best_column = max(range(1, count), key=lambda n: _shared(rows, n, teacher.labels))
        encoding = _wanted_encoding(rows, best_column, teacher)
        found = {"type": "column_tags", "column": best_column}
        return {**found, "encoding": encoding} if encoding else found
    raise ConfigurationError(
        f"{path}: expected CoNLL-U (10 columns), a word and its tags in columns (the same number on "
        f"each line), or word###tag; found lines of {', '.join(map(str, sorted(counts)))} columns"
    )


def _wanted_encoding(rows: List[List[str]], column: int, teacher: TeacherProfile) -> Optional[str]:
    """The teacher's encoding of spans, where the tags of a column are in another one."""
    encoding = teacher.encoding
    if encoding not in LETTERS:
        return None
    tags = [row[column] for row in rows]
    prefixes = {tag[:1] for tag in tags if tag[1:2] == "-"}
    if not prefixes or not prefixes <= set("BIULMES"):
        return None
    fits = prefixes <= set("".join(LETTERS[encoding]))
    # A tag I that opens a span is IOB1's. Sentences are not told apart here, and B or I come first.
    opened = encoding != "BIO" or not any(_unopened(tags))
    return None if fits and opened and encoding == "BIO" else encoding


def _rows(path: str) -> Tuple[List[List[str]], bool]:
    """Returns the columns of the first lines, and whether they have the format `word###tag`."""
    rows: List[List[str]] = []
    conllu = False
    try:
        for line in itertools.islice(lines_of(path), LINES):
            conllu = conllu or (not rows and line.startswith("# ") and path.endswith(".conllu"))
            if not line.strip() or is_document_start(line) or (conllu and line[0] == "#"):
                continue
            if not rows and "###" in line:
                return [], True
            rows.append(line.split("\t") if conllu else cells_of(line))
    except FileNotFoundError:
        raise ConfigurationError(f"the file {path} does not exist") from None
    return rows, False


def _shared(rows: List[List[str]], column: int, labels: List[str]) -> int:
    """The number of rows whose column holds one of the labels, `O` and prefixes of spans aside."""
    known = {_kind(label) for label in labels} - {"O"}
    return sum(_kind(row[column]) in known for row in rows)


def _kind(label: str) -> str:
    return label[2:] if label[1:2] == "-" else label


def profile_corpus(reader: Dict[str, Any], path: str) -> CorpusProfile:
    """Reads a file as training will, and counts its sentences, words and labels.

    # Raises

    ConfigurationError
        If the reader cannot read it, or it has no sentence.
    """
    sentences = words = unopened = 0
    labels: Set[str] = set()
    text_field: Optional[str] = None
    for instance in _instances(reader, path):
        text_field = text_field or next(n for n in TEXT_FIELDS if n in instance.fields)
        sentences += 1
        words += len(instance[text_field].tokens)
        for name in ("tags", "head_tags"):
            field = instance.fields.get(name)
            if isinstance(field, SequenceLabelField):
                labels.update(map(str, field.labels))
                unopened += sum(_unopened(list(map(str, field.labels))))
    if text_field is None:
        raise ConfigurationError(
            f"{path} has no sentence that the reader {reader['type']} can read"
        )
    return CorpusProfile(reader, sentences, words, labels, unopened, text_field)


def _instances(reader: Dict[str, Any], path: str) -> Iterator[Any]:
    indexers = {"tokens": {"type": "single_id"}}
    built = DatasetReader.from_params(Params({**reader, "token_indexers": indexers}))
    return explained(built, path)


def _unopened(tags: List[str]) -> Iterator[bool]:
    for before, tag in zip(["O", *tags], tags):
        yield tag.startswith("I-") and before not in (f"B-{tag[2:]}", tag)
