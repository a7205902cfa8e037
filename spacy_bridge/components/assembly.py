"""Adds packaged students to a pipeline. Needs neither torch nor AllenNLP."""

import re
import warnings
from typing import Any, Dict, Mapping, Tuple

import spacy
from spacy.language import Language

# Registers the factories even if the package's entry points are not installed.
from spacy_bridge.components import chunker, entities, parser, senter, tagger  # noqa: F401
from spacy_bridge.components.sentence_boundaries import NONE, add_sentence_setter
from spacy_bridge.errors import BridgeError
from spacy_bridge.runtime.packaged_student import PackagedStudent

FACTORIES = {
    "senter": "kd_senter",
    "tagger": "kd_tagger",
    "pos": "kd_pos_tagger",
    "ner": "kd_ner",
    "chunker": "kd_chunker",
    "parser": "kd_parser",
}
TAGGED_PARSERS = {"tag": "kd_tag_parser", "pos": "kd_pos_parser"}
"""The factories of parsers that read tags besides words."""
RESERVED = ("vocab", "tokenizer")
"""Folders of a pipeline besides those of its components."""


def check_language(lang: str) -> None:
    """Refuses a value that is not a language code, because spaCy imports a module of that name.

    # Raises

    BridgeError
    """
    if not re.fullmatch(r"[a-z]{2,3}", lang):
        raise BridgeError(
            f"lang must be a language code of two or three letters, such as en, found {lang!r}"
        )


def blank(lang: str) -> Language:
    """Returns an empty pipeline for a language of spaCy."""
    check_language(lang)
    try:
        return spacy.blank(lang)
    except ImportError as error:
        raise BridgeError(
            f"lang must be a language that spaCy supports, found {lang!r}: {error}"
        ) from error


def add_student(
    nlp: Language,
    component: str,
    name: str,
    student: PackagedStudent,
    config: Mapping[str, Any],
    sentences: str = "sentencizer",
) -> None:
    """Adds a student to the end of a pipeline, after a component that sets sentence boundaries.

    No such component is added before a `senter`, which sets boundaries itself.

    # Parameters

    nlp : `Language`
    component : `str`
        One of `FACTORIES`.
    name : `str`
        The component's name in the pipeline.
    student : `PackagedStudent`
    config : `Mapping[str, Any]`
        Options of the component's factory.
    sentences : `str`, optional (default = `"sentencizer"`)
        As in `add_sentence_setter`. It is not added if the pipeline sets boundaries already.

    # Raises

    BridgeError
        If the name or an option is not allowed, the student does not fit the component, or another
        student of the pipeline sets the same annotation.
    """
    if component not in FACTORIES:
        raise BridgeError(f"a component must be one of {', '.join(FACTORIES)}, found {component!r}")
    if not re.fullmatch(r"[\w-]+", name) or name in RESERVED:
        raise BridgeError(
            "a component's name must consist of letters, digits, underscores and hyphens, and "
            f"must not be one of spaCy's names {', '.join(RESERVED)}; found {name!r}"
        )
    if name in nlp.component_names:
        raise BridgeError(f"the pipeline already has a component '{name}'; choose another name")
    options = dict(config)
    factory = FACTORIES[component]
    if component == "tagger" and options.get("attribute") == "pos":
        factory = FACTORIES["pos"]
    no_setter = component == "senter" or options.get("without_sentences") == "one"
    if component == "parser" and sentences == NONE:
        options.setdefault("without_sentences", "one")
    read = student.tag_attribute
    if component == "parser" and read is not None:
        factory = TAGGED_PARSERS[read]
        _warn_of_missing_tags(nlp, name, read)
    before = list(nlp.component_names)
    try:
        if not no_setter:
            add_sentence_setter(nlp, sentences)
        if name in nlp.component_names:
            raise BridgeError(f"the pipeline already has a component '{name}'; choose another name")
        nlp.add_pipe(factory, name=name, config=options).use(student)
        _refuse_overwriting(nlp, name)
    except Exception:
        for added in set(nlp.component_names) - set(before):
            nlp.remove_pipe(added)
        raise


def _warn_of_missing_tags(nlp: Language, name: str, attribute: str) -> None:
    assigned = {what for other in nlp.pipe_names for what in nlp.get_pipe_meta(other).assigns}
    if f"token.{attribute}" not in assigned:
        option = "tagger" if attribute == "tag" else "pos"
        warnings.warn(
            f"the component '{name}' reads token.{attribute}_, but no component before it sets it: "
            f"add one, such as a student with --{option}, or pass docs that have it",
            stacklevel=3,
        )


def _refuse_overwriting(nlp: Language, name: str) -> None:
    """Refuses a student that overwrites the annotation of another student in the pipeline."""
    ours = _target(nlp, name)
    for other in nlp.component_names:
        if other != name and ours is not None and _target(nlp, other) == ours:
            raise BridgeError(
                f"the components '{other}' and '{name}' both set {ours[1]}, so the second would "
                f"overwrite the first: {_REMEDIES[ours[0]]}"
            )


_REMEDIES: Dict[str, str] = {
    "sentences": "leave one of them out",
    "tag": "package one of them as pos",
    "pos": "package one of them as tagger",
    "spans": "give one of them another spans_key",
}


def _target(nlp: Language, name: str) -> "Tuple[str, str] | None":
    """Returns the annotation that a student overwrites: its kind, and its name in spaCy."""
    pipe = nlp.get_pipe(name)
    if isinstance(pipe, tagger.StudentTagger):
        return pipe.attribute, f"token.{pipe.attribute}_"
    if isinstance(pipe, chunker.StudentChunker):
        return "spans", f"doc.spans[{pipe.spans_key!r}]"
    if isinstance(pipe, senter.StudentSenter):
        return "sentences", "token.is_sent_start"
    return None
