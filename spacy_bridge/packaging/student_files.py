"""Converts a student's archive to the files that the run-time opens."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, Optional, Union

from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.networks.parser_network import parser_network
from spacy_bridge.packaging.networks.tag_input import tag_input
from spacy_bridge.packaging.networks.tagger_network import tagger_network
from spacy_bridge.packaging.networks.text_inputs import TextInputs
from spacy_bridge.runtime.networks.tensors import dump_tensors
from spacy_bridge.runtime.packaged_student import SETTINGS, VOCABULARY, WEIGHTS

TAGGERS = ("crf_tagger", "crf_tagger_student", "simple_tagger", "simple_tagger_student")
PARSERS = ("biaffine_parser", "biaffine_parser_student")


def student_files(
    archive: Union[str, Path],
    encoding: Optional[str] = None,
    decoder: Optional[str] = None,
    int8: bool = False,
    transformer: Optional[str] = None,
    trust: bool = False,
    trim_to: Optional[Iterable[str]] = None,
) -> Dict[str, bytes]:
    """
    # Parameters

    archive : `Union[str, Path]`
        A `model.tar.gz`, or the folder of a run.
    encoding : `str`, optional
        How a tagger's tags say spans, where the archive does not say it.
    decoder : `str`, optional
        A parser's decoder, where it is not to be the archive's.
    int8 : `bool`, optional (default = `False`)
        Whether matrices and tables of embeddings are rounded to 8 bits. Networks over the
        characters and features of a word still compute in float.
    transformer, trust
        As `StudentArchive` has them.
    trim_to : `Iterable[str]`, optional
        Words: the rows of word pieces that none of them has are left out. Other words are split into the
        pieces that are kept, at worst into those of their characters. A student without word pieces stays
        what it is.

    # Returns

    `Dict[str, bytes]`
        Content by name, without the manifest.

    # Raises

    UnsupportedError
        If a part of the student, or an option, cannot be packaged; it is named.
    """
    opened = StudentArchive(archive, transformer, trust)
    kind = opened.model.get("type")
    if kind in TAGGERS:
        build: Callable[..., Any] = tagger_network
        option = {"encoding": encoding}
        if decoder is not None:
            raise UnsupportedError(
                f"decoder is for parsers, but the archive is a tagger; found decoder {decoder!r}"
            )
    elif kind in PARSERS:
        build, option = parser_network, {"decoder": decoder}
        if encoding is not None:
            raise UnsupportedError(
                f"encoding is for taggers, but the archive is a parser; found encoding {encoding!r}"
            )
    else:
        raise UnsupportedError(
            f"{archive}: model.type is {kind!r}, which cannot be packaged; supported: "
            f"{', '.join(TAGGERS + PARSERS)}"
        )
    with _named(archive):
        inputs = TextInputs(opened, trim_to)
        tags = tag_input(opened) if kind in PARSERS else None
        if tags is not None:
            inputs.size += tags.table.shape[1]
            inputs.tensors[tags.settings["weight"]] = tags.table
            inputs.vocabulary[tags.settings["vocabulary"]] = tags.tokens
        networks, settings, tensors = build(opened, inputs.size, **option)
    settings["tags"] = None if tags is None else tags.settings
    files = {**inputs.files, **networks}
    if int8:
        from spacy_bridge.packaging.quantize import quantize, quantize_tables

        inputs.tensors = quantize_tables(inputs.tensors)
        # A word's vector is cached, so it must not depend on the other words of its batch.
        of_words = {
            part["graph"]
            for part in inputs.settings.values()
            if part["type"] in ("characters", "hashed_words")
        }
        files = {
            name: quantize(content, products=name not in of_words)
            if name.endswith(".onnx")
            else content
            for name, content in files.items()
        }
    settings.update({"inputs": inputs.settings, "int8": int8})
    files[SETTINGS] = _json(settings)
    files[VOCABULARY] = _json(inputs.vocabulary)
    files[WEIGHTS] = dump_tensors({**inputs.tensors, **tensors})
    return files


@contextmanager
def _named(archive: Union[str, Path]) -> Iterator[None]:
    """Adds the archive's name to errors about its content."""
    try:
        yield
    except BridgeError as error:
        if str(archive) in str(error):
            raise
        raise type(error)(f"{archive}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise BridgeError(
            f"{archive} cannot be packaged: its configuration does not match its weights: {error!r}"
        ) from error


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
