"""Adds a student to a pipeline without packaging it first."""

from pathlib import Path
from typing import Any, List, Optional, Union

from spacy.language import Language

from spacy_bridge.components.assembly import FACTORIES, TAGGED_PARSERS, add_student, blank
from spacy_bridge.components.default_component import default_component
from spacy_bridge.components.packaged_sources import PackagedSource, is_packaged, read_packaged
from spacy_bridge.errors import BridgeError
from spacy_bridge.runtime.manifest import MANIFEST, sum_up
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_student import PackagedStudent


def load_student(
    source: Union[str, Path],
    component: Optional[str] = None,
    nlp: Optional[Language] = None,
    lang: Optional[str] = None,
    name: Optional[str] = None,
    encoding: Optional[str] = None,
    decoder: Optional[str] = None,
    int8: bool = False,
    transformer: Optional[str] = None,
    trust: bool = False,
    sentences: str = "sentencizer",
    **config: Any,
) -> Language:
    """Adds a student to a pipeline.

        nlp = spacy_bridge.load_student("runs/parser/model.tar.gz")
        doc = nlp("She parses .")

    # Parameters

    source : `Union[str, Path]`
        An archive or the folder of a training run (both need torch and onnx), or a packaged
        student, which needs neither: its folder, the folder of a pipeline, or a wheel.
    component : `str`, optional
        `senter`, `tagger`, `pos`, `ner`, `chunker` or `parser`. The default for a parser is
        `parser`; for a tagger it is `senter` if its tags are `S` and `I`, `chunker` or `ner` if they
        encode spans, `pos` if all are universal, and otherwise `tagger`. For a packaged pipeline with
        several students, it is the name of one.
    nlp : `Language`, optional
        The pipeline, which is changed in place. The default is a new blank one.
    lang : `str`, optional
        The language of a blank pipeline. The default is that of a packaged pipeline, or else
        `"en"`.
    name : `str`, optional
        The name of the component in the pipeline. The default is `component`.
    encoding, decoder, int8, transformer, trust
        As in `student_files`; for archives.
    sentences : `str`, optional (default = `"sentencizer"`)
        The component that sets sentence boundaries before the student, unless the pipeline already
        has one: a factory, `PIPELINE:COMPONENT`, or `none`. With `none`, a doc without boundaries
        is one sentence.
    config : `Any`
        Options of the component's factory.

    # Returns

    `Language`

    # Raises

    BridgeError
        If the source cannot be opened, if it contains several students and `component` names none
        of them, or if the student does not fit the pipeline.
    """
    source = Path(source)
    if is_packaged(source):
        if encoding or decoder or int8 or transformer:
            raise BridgeError(
                f"{source} is packaged already: encoding, decoder, int8 and transformer cannot be "
                "changed"
            )
        found = _choose(source, read_packaged(source), component)
        student = open_student(found.files)
        if found.factory is not None:
            kind = _component_of(found.factory)
            name = name or found.name
            component = kind if component is None or component == found.name else component
        if found.factory is not None and component == _component_of(found.factory):
            config = {**found.options, **config}
        lang = lang or found.lang
    else:
        student = _package(source, encoding, decoder, int8, transformer, trust)
    if not component:
        encoding = student.settings.get("encoding")
        component = default_component(student.kind, student.labels, encoding)
    if component not in FACTORIES:
        raise BridgeError(f"component must be one of {', '.join(FACTORIES)}, found {component!r}")
    nlp = blank(lang or "en") if nlp is None else nlp
    add_student(nlp, component, name or component, student, config, sentences)
    return nlp


def _choose(
    source: Path, students: List[PackagedSource], component: Optional[str]
) -> PackagedSource:
    named = [student for student in students if student.name == component]
    of_kind = [
        student
        for student in students
        if student.factory is not None and _component_of(student.factory) == component
    ]
    for found in (students, named, of_kind):
        if len(found) == 1:
            return found[0]
    names = ", ".join(str(student.name) for student in students)
    raise BridgeError(
        f"{source} contains the students {names}: set component to one of them, found {component!r}"
    )


def _component_of(factory: str) -> str:
    if factory in TAGGED_PARSERS.values():
        return "parser"
    return next((kind for kind, name in FACTORIES.items() if name == factory), factory)


def _package(
    source: Path,
    encoding: Optional[str],
    decoder: Optional[str],
    int8: bool,
    transformer: Optional[str],
    trust: bool,
) -> PackagedStudent:
    from spacy_bridge.packaging.needed_packages import require_packages

    require_packages(str(source))
    from spacy_bridge.packaging.student_files import student_files

    files = student_files(source, encoding, decoder, int8, transformer, trust)
    return open_student({**files, MANIFEST: sum_up(files)})
