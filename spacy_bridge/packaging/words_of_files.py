"""The words of text files, as tokenized by a pipeline."""

from pathlib import Path
from typing import Iterable, Iterator, Set

from spacy_bridge.components.assembly import blank
from spacy_bridge.errors import BridgeError


def words_of_files(paths: Iterable[Path], lang: str) -> Set[str]:
    """Returns the distinct words of files.

    # Parameters

    paths : `Iterable[Path]`
        CoNLL-U if a name ends in `.conllu`, otherwise plain text, which the tokenizer of the language cuts.
    lang : `str`
        spaCy's code of a language.

    # Raises

    BridgeError
        If a file is not text in UTF-8, or has no words.
    """
    tokenizer = blank(lang).tokenizer
    words: Set[str] = set()
    for path in paths:
        found: Set[str] = set()
        try:
            with open(path, encoding="utf-8-sig") as lines:
                if path.suffix == ".conllu":
                    found.update(_forms(lines))
                else:
                    for line in lines:
                        found.update(token.text for token in tokenizer(line.strip()))
        except UnicodeDecodeError as error:
            raise BridgeError(f"{path} is not UTF-8 text: {error}") from error
        if not found:
            raise BridgeError(f"{path} contains no words for trimming the vocabulary")
        words |= found
    return words


def _forms(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        columns = line.rstrip("\n").split("\t")
        if len(columns) > 1 and not line.startswith("#"):
            yield columns[1]
