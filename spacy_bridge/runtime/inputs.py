"""The inputs of a student's network, from its settings."""

from typing import Any, Dict, List, Mapping

import numpy

from spacy_bridge.errors import PackageError
from spacy_bridge.runtime.session import LazySession
from spacy_bridge.runtime.text_encoder import SentenceSource, TextEncoder
from spacy_bridge.runtime.vocabulary import TokenNumbers
from spacy_bridge.runtime.words import EmbeddedWords, SpelledWords, WordSource


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
            from spacy_bridge.runtime.hashed_words import HashedWords

            graph = settings["graph"]
            words[name] = HashedWords(
                settings["features"],
                settings["rows"],
                LazySession(files[graph], f"{where}: {graph}", threads),
                settings["size"],
            )
        elif kind == "word_pieces":
            from spacy_bridge.runtime.word_pieces import WordPieces

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
