"""A pipeline of packaged students."""

import json
import re
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Union

import spacy
from spacy.language import Language

# Registers the factories also where the package's entry points are not installed.
from spacy_bridge.components import chunker, entities, parser, tagger  # noqa: F401
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import MANIFEST, sum_up
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_student import PackagedStudent

FACTORIES = {
    "tagger": "kd_tagger",
    "ner": "kd_ner",
    "chunker": "kd_chunker",
    "parser": "kd_parser",
}
SENTENCE_SETTERS = ("token.is_sent_start", "doc.sents")
RESERVED = ("vocab", "tokenizer")
"""Folders of a pipeline beside those of its components."""


class StudentSource(NamedTuple):
    """One component of a pipeline to be.

    # Parameters

    component : `str`
        `tagger`, `ner`, `chunker` or `parser`.
    archive : `Path`
    name : `str`, optional
        In the pipeline; `component` if it is `None`.
    options : `Mapping[str, Any]`, optional
        Of `student_files`: `encoding`, `decoder`, `transformer`, `trust`.
    config : `Mapping[str, Any]`, optional
        Of the component's factory.
    """

    component: str
    archive: Path
    name: Optional[str] = None
    options: Mapping[str, Any] = {}
    config: Mapping[str, Any] = {}


def build_pipeline(
    sources: Sequence[StudentSource],
    lang: str = "en",
    meta: Optional[Mapping[str, Any]] = None,
    sentences: str = "sentencizer",
    int8: bool = False,
) -> Language:
    """A pipeline with a component for each source, in their order.

    # Parameters

    sources : `Sequence[StudentSource]`
    lang : `str`, optional (default = `"en"`)
    meta : `Mapping[str, Any]`, optional
        Goes into `nlp.meta`.
    sentences : `str`, optional (default = `"sentencizer"`)
        The factory of the component that is put before the first parser.
    int8 : `bool`, optional (default = `False`)
    """
    if not sources:
        raise BridgeError(
            "a pipeline needs at least one student: give --ner, --tagger, --chunker or --parser"
        )
    nlp = blank(lang)
    nlp.meta.update(meta or {})
    for source in sources:
        if source.component not in FACTORIES:
            raise BridgeError(
                f"a component must be one of {', '.join(FACTORIES)}, found {source.component!r}"
            )
        files = student_files(source.archive, int8=int8, **source.options)
        student = open_student({**files, MANIFEST: sum_up(files)})
        name = source.component if source.name is None else source.name
        add_student(nlp, source.component, name, student, source.config, sentences)
    return nlp


def blank(lang: str) -> Language:
    """An empty pipeline, in a language that spaCy has."""
    try:
        return spacy.blank(lang)
    except ImportError as error:
        raise BridgeError(f"lang must be a language of spaCy's, found {lang!r}: {error}") from error


def add_student(
    nlp: Language,
    component: str,
    name: str,
    student: PackagedStudent,
    config: Mapping[str, Any],
    sentences: str = "sentencizer",
) -> None:
    """Adds a student to a pipeline; before a parser what sets sentence boundaries, if nothing does."""
    if not re.fullmatch(r"[\w-]+", name) or name in RESERVED:
        raise BridgeError(
            "a component's name must be of letters, digits, underscores and hyphens, and none of "
            f"{', '.join(RESERVED)}, which are spaCy's; found {name!r}"
        )
    one_sentence = config.get("without_sentences") == "one"
    splits = component == "parser" and not one_sentence and not _sets_sentences(nlp)
    if name in nlp.component_names or (splits and name == sentences):
        raise BridgeError(f"the pipeline has a component '{name}' already; give another name")
    pos = component == "tagger" and config.get("attribute") == "pos"
    factory = "kd_pos_tagger" if pos else FACTORIES[component]
    before = nlp.pipe_names
    try:
        if splits:
            _add_sentences(nlp, sentences)
        nlp.add_pipe(factory, name=name, config=dict(config)).use(student)
    except Exception:
        for added in set(nlp.pipe_names) - set(before):
            nlp.remove_pipe(added)
        raise


def _add_sentences(nlp: Language, factory: str) -> None:
    if not nlp.has_factory(factory):
        raise BridgeError(
            f"sentences must be a factory of spaCy's, such as sentencizer, found {factory!r}"
        )
    if getattr(nlp.add_pipe(factory), "is_trainable", False):
        raise BridgeError(
            f"sentences must be a factory whose component needs no training, found {factory!r}"
        )


def _sets_sentences(nlp: Language) -> bool:
    return any(
        set(SENTENCE_SETTERS) & set(nlp.get_pipe_meta(name).assigns) for name in nlp.pipe_names
    )


def measure(nlp: Language, path: Union[str, Path], gold_tokens: bool = False) -> Dict[str, Any]:
    """The scores of a pipeline on a file of spaCy's format, as `spacy evaluate` has them.

    # Parameters

    gold_tokens : `bool`, optional (default = `False`)
        Whether the file's tokens and sentences are used, not the pipeline's.
    """
    from spacy.training import Corpus

    try:
        examples = list(Corpus(path, gold_preproc=gold_tokens)(nlp))
    except ValueError as error:
        raise BridgeError(f"{path} cannot be read to measure scores on: {error}") from error
    if not examples:
        raise BridgeError(f"{path} holds no docs to measure scores on")
    scores = nlp.evaluate(examples)
    return json.loads(json.dumps({key: value for key, value in scores.items() if key != "speed"}))
