"""Builds the inputs of a student's network from its settings."""

from typing import Any, Dict, List, Mapping

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.networks.session import LazySession
from spacy_bridge.runtime.words.sources import EmbeddedWords, SpelledWords, WordSource
from spacy_bridge.runtime.words.text_encoder import SentenceSource, TextEncoder
from spacy_bridge.runtime.words.vocabulary import TokenNumbers

_LARGEST = {"size": 65_536, "min_characters": 1_000, "overlap": 1_000}
_ENCODINGS = ("ascii", "latin-1", "utf-16", "utf-32", "utf-8")


def build_text_encoder(
    inputs: Mapping[str, Mapping[str, Any]],
    vocabulary: Mapping[str, List[str]],
    tensors: Mapping[str, numpy.ndarray],
    files: Mapping[str, bytes],
    where: str,
    threads: int,
) -> TextEncoder:
    """
    # Parameters

    inputs : `Mapping[str, Mapping[str, Any]]`
        What `settings.json` says of each, by the name of its indexer and embedder.

    # Raises

    PackageError
        If an input is of an unknown type.
    KeyError
        If something it names is missing.
    """
    words: Dict[str, WordSource] = {}
    sentences: Dict[str, SentenceSource] = {}
    for name, settings in inputs.items():
        _check_sizes(settings, f"{where}: the input {name!r}")
        kind = settings["type"]
        if kind == "embedding":
            words[name] = EmbeddedWords(
                TokenNumbers(vocabulary[settings["vocabulary"]]),
                tensors[settings["weight"]],
                tensors.get(f"{settings['weight']}.scale"),
                lowercase=settings["lowercase"],
            )
        elif kind == "characters":
            namespace = settings["vocabulary"]
            graph = settings["graph"]
            words[name] = SpelledWords(
                None if namespace is None else TokenNumbers(vocabulary[namespace]),
                LazySession(files[graph], f"{where}: {graph}", threads),
                **{
                    option: settings[option]
                    for option in (
                        "size",
                        "min_characters",
                        "overlap",
                        "lowercase",
                        "byte_encoding",
                        "start",
                        "end",
                    )
                },
            )
        elif kind == "hashed_words":
            from spacy_bridge.runtime.words.hashed_words import HashedWords

            graph = settings["graph"]
            words[name] = HashedWords(
                settings["features"],
                settings["rows"],
                LazySession(files[graph], f"{where}: {graph}", threads),
                settings["size"],
            )
        elif kind == "word_pieces":
            from spacy_bridge.runtime.words.word_pieces import WordPieces

            graph = settings["graph"]
            sentences[name] = WordPieces(
                files[settings["tokenizer"]],
                LazySession(files[graph], f"{where}: {graph}", threads),
                **{
                    option: settings[option]
                    for option in (
                        "size",
                        "start",
                        "end",
                        "max_length",
                        "mode",
                        "packed",
                        "skipped_piece",
                    )  # fmt: skip
                },
                unknown_piece=settings.get("unknown_piece"),
            )
        else:
            raise PackageError(f"{where}: the input {name!r} is of an unknown type {kind!r}")
    return TextEncoder(words, sentences)


def _check_sizes(settings: Mapping[str, Any], where: str) -> None:
    """Refuses sizes that no student has, because memory is allocated for them.

    # Raises

    PackageError
    """
    for option, most in _LARGEST.items():
        value = settings.get(option)
        if isinstance(value, int) and not 0 <= value <= most:
            raise PackageError(f"{where}: {option} must be from 0 to {most:,}, found {value:,}")
    encoding = settings.get("byte_encoding")
    if encoding is not None and encoding not in _ENCODINGS:
        raise PackageError(
            f"{where}: byte_encoding must be one of {', '.join(_ENCODINGS)}, found {encoding!r}"
        )
    for option in ("start", "end"):
        if len(settings.get(option, ())) > 100:
            raise PackageError(
                f"{where}: {option} has {len(settings[option]):,} pieces; at most 100 are allowed"
            )
