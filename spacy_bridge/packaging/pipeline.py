"""Builds a pipeline of packaged students."""

import json
from pathlib import Path
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Union

from spacy.language import Language

from spacy_bridge.components.assembly import add_student, blank
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import MANIFEST, sum_up
from spacy_bridge.runtime.open_student import open_student


class StudentSource(NamedTuple):
    """The source of one component in a pipeline.

    # Parameters

    component : `str`
        `senter`, `tagger`, `pos`, `ner`, `chunker` or `parser`.
    archive : `Path`
    name : `str`, optional
        In the pipeline; `component` if it is `None`.
    options : `Mapping[str, Any]`, optional
        Of `student_files`: `encoding`, `decoder`, `transformer`, `trust`, `trim_to`.
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
    """Builds a pipeline with one component per source, in order.

    # Parameters

    sources : `Sequence[StudentSource]`
    lang : `str`, optional (default = `"en"`)
    meta : `Mapping[str, Any]`, optional
        Goes into `nlp.meta`.
    sentences : `str`, optional (default = `"sentencizer"`)
        What sets sentence boundaries before the first student, as in `add_sentence_setter`.
    int8 : `bool`, optional (default = `False`)
    """
    if not sources:
        raise BridgeError(
            "a pipeline needs at least one student: give --ner, --senter, --tagger, --pos, --chunker or --parser"
        )
    nlp = blank(lang)
    nlp.meta.update(meta or {})
    for source in sources:
        files = student_files(source.archive, int8=int8, **source.options)
        student = open_student({**files, MANIFEST: sum_up(files)})
        name = source.component if source.name is None else source.name
        add_student(nlp, source.component, name, student, source.config, sentences)
    return nlp


def measure(nlp: Language, path: Union[str, Path], gold_tokens: bool = False) -> Dict[str, Any]:
    """Computes the scores of a pipeline on a .spacy file, as `spacy evaluate` does.

    # Parameters

    gold_tokens : `bool`, optional (default = `False`)
        Whether the file's tokens and sentences are used, not the pipeline's.
    """
    from spacy.training import Corpus

    try:
        examples = list(Corpus(path, gold_preproc=gold_tokens)(nlp))
    except ValueError as error:
        raise BridgeError(f"{path} cannot be read to measure scores: {error}") from error
    if not examples:
        raise BridgeError(f"{path} contains no docs to measure scores on")
    scores = nlp.evaluate(examples)
    return json.loads(json.dumps({key: value for key, value in scores.items() if key != "speed"}))
