"""Reads a CoNLL-U treebank with its raw text: words, surface tokens, sentences and documents."""

import re
from itertools import groupby
from os import PathLike
from typing import Iterator, List, NamedTuple, Optional, Tuple, Union

from allennlp.common.checks import ConfigurationError

from allennlp_kd.text_files import line_blocks, lines_of

COLUMNS = 10
NEW_PARAGRAPH = "\n\n"


class TreebankWord(NamedTuple):
    """A syntactic word: the columns in use. `head` counts from 1; 0 is ROOT."""

    form: str
    upos: Optional[str]
    xpos: Optional[str]
    head: Optional[int]
    deprel: Optional[str]


class SurfaceToken(NamedTuple):
    """A piece of text that is one word, or the several words of a multi-word token.

    # Parameters

    form : `str`
    start, end : `int`
        Its characters in the sentence's text.
    first, last : `int`
        Its words, from 0; `last` is included.
    """

    form: str
    start: int
    end: int
    first: int
    last: int


class TreebankSentence(NamedTuple):
    """A sentence with its raw text.

    # Parameters

    text : `str`
    words : `List[TreebankWord]`
    tokens : `List[SurfaceToken]`
    document : `str`
        The name of its document.
    paragraph : `bool`
        Whether it begins a document or a paragraph.
    where : `str`
        File and line, for errors.
    """

    text: str
    words: List[TreebankWord]
    tokens: List[SurfaceToken]
    document: str
    paragraph: bool
    where: str


class TreebankDocument(NamedTuple):
    """A document: its text, its sentences, and the character offset at which each sentence starts."""

    text: str
    sentences: List[TreebankSentence]
    starts: List[int]


def documents(path: Union[str, PathLike]) -> Iterator[TreebankDocument]:
    """Yields the documents of a treebank as raw text, with a blank line between paragraphs and a
    space between sentences.

    A document begins at a comment `newdoc`. Where a file has none, the documents' names are taken from
    `sent_id`, without the number at its end.
    """
    for _, group in groupby(sentences(path), key=lambda sentence: sentence.document):
        yield document_of(list(group))


def document_of(members: List[TreebankSentence]) -> TreebankDocument:
    """Joins successive sentences into a document."""
    parts: List[str] = []
    starts: List[int] = []
    place = 0
    for number, sentence in enumerate(members):
        between = "" if number == 0 else NEW_PARAGRAPH if sentence.paragraph else " "
        place += len(between)
        starts.append(place)
        parts.extend([between, sentence.text])
        place += len(sentence.text)
    return TreebankDocument("".join(parts), members, starts)


def sentences(path: Union[str, PathLike]) -> Iterator[TreebankSentence]:
    """Yields the sentences of a treebank, skipping empty ones.

    # Raises

    ConfigurationError
        If a line is not one of a CoNLL-U file, or its number, range or head does not fit the sentence
        (with file and line number).
    """
    document, newdoc, paragraph = "", False, True
    for first, block in line_blocks(lines_of(path)):
        where = f"{path}, line {first}"
        comments = [line[1:].strip() for line in block if line.startswith("#")]
        for comment in comments:
            name, _, value = comment.partition("=")
            if name.strip().startswith("newdoc"):
                newdoc, document, paragraph = True, value.strip() or where, True
            elif name.strip().startswith("newpar"):
                paragraph = True
            elif name.strip() == "sent_id" and not newdoc:
                found = re.sub(r"[-_.:]?\d+$", "", value.strip())
                paragraph = paragraph or found != document
                document = found
        rows = [(first + number, line) for number, line in enumerate(block)]
        words, tokens, text = _parse(rows, comments, str(path))
        if words:
            yield TreebankSentence(text, words, tokens, document, paragraph, where)
            paragraph = False


def _parse(
    rows: List[Tuple[int, str]], comments: List[str], path: str
) -> Tuple[List[TreebankWord], List[SurfaceToken], str]:
    words: List[TreebankWord] = []
    spans: List[Tuple[str, int, int, str]] = []  # form, first, last, MISC
    ends: List[Tuple[int, str, int]] = []  # line, what it names, and the last of these words
    until = -1
    for number, line in rows:
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != COLUMNS:
            raise ConfigurationError(
                f"{path}, line {number}: expected {COLUMNS} columns with tabs between them, found "
                f"{len(columns)}: {line!r}"
            )
        place = len(words)
        if re.fullmatch(r"\d+-\d+", columns[0]):
            first, last = (int(part) - 1 for part in columns[0].split("-"))
            if not max(place, until + 1) == first <= last:
                raise ConfigurationError(
                    f"{path}, line {number}: a range must begin with the next word, "
                    f"{max(place, until + 1) + 1}, and end after it, found {columns[0]}"
                )
            spans.append((columns[1], first, last, columns[9]))
            ends.append((number, f"the range {columns[0]}", last + 1))
            until = last
        elif columns[0].isdecimal():
            if int(columns[0]) != place + 1:
                raise ConfigurationError(
                    f"{path}, line {number}: the words of a sentence are numbered from 1, expected "
                    f"{place + 1}, found {columns[0]}"
                )
            head = int(columns[6]) if columns[6].isdecimal() else None
            words.append(
                TreebankWord(columns[1], *map(_given, columns[3:5]), head, _given(columns[7]))
            )
            if head is not None:
                ends.append((number, f"the head {head}", head))
            if place > until:
                spans.append((columns[1], place, place, columns[9]))
        elif not re.fullmatch(r"\d+\.\d+", columns[0]):
            raise ConfigurationError(
                f"{path}, line {number}: the first column must be the number of a word, a range or an "
                f"empty node, found {columns[0]!r}"
            )
    for number, what, last in ends:
        if last > len(words):
            raise ConfigurationError(
                f"{path}, line {number}: {what} is not in the sentence, which has {len(words)} words"
            )
    return (words, *_place(spans, comments))


def _given(value: str) -> Optional[str]:
    return None if value == "_" else value


def _place(
    spans: List[Tuple[str, int, int, str]], comments: List[str]
) -> Tuple[List[SurfaceToken], str]:
    """Finds the tokens in the comment `text`; if they are not all there, joins their forms instead."""
    given = (
        comment.partition("=")[2].strip() for comment in comments if comment.startswith("text ")
    )
    text = next(given, "")
    tokens: List[SurfaceToken] = []
    place = 0
    for form, first, last, _ in spans:
        place += len(text[place:]) - len(text[place:].lstrip())
        if not text.startswith(form, place):
            break
        tokens.append(SurfaceToken(form, place, place + len(form), first, last))
        place += len(form)
    else:
        return tokens, text
    tokens, text = [], ""
    for form, first, last, misc in spans:
        tokens.append(SurfaceToken(form, len(text), len(text) + len(form), first, last))
        text += form if "SpaceAfter=No" in misc.split("|") else f"{form} "
    return tokens, text.rstrip()
