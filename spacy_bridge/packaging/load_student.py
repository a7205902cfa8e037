"""A student in a pipeline, without packaging it first."""

from pathlib import Path
from typing import Any, Optional, Union

from spacy.language import Language

from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.pipeline import FACTORIES, add_student, blank
from spacy_bridge.runtime.manifest import MANIFEST
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.packaged_student import SETTINGS, read_json


def load_student(
    source: Union[str, Path],
    component: Optional[str] = None,
    nlp: Optional[Language] = None,
    lang: str = "en",
    name: Optional[str] = None,
    encoding: Optional[str] = None,
    decoder: Optional[str] = None,
    int8: bool = False,
    transformer: Optional[str] = None,
    trust: bool = False,
    **config: Any,
) -> Language:
    """Adds a student to a pipeline.

        nlp = spacy_bridge.load_student("runs/parser/model.tar.gz")
        doc = nlp("She parses .")

    # Parameters

    source : `Union[str, Path]`
        An archive (needs torch and onnx), the folder of a run, or the folder of a packaged student.
    component : `str`, optional
        `tagger`, `ner`, `chunker` or `parser`. It may be left out for a parser; and for a tagger, which
        is `ner` if its tags encode spans, `tagger` if not.
    nlp : `Language`, optional
        The pipeline, changed in place; a blank one if it is `None`. If it has no component that sets
        sentence boundaries, a `sentencizer` is put before a parser.
    lang : `str`, optional (default = `"en"`)
        Of a blank pipeline.
    name : `str`, optional
        Of the component in the pipeline; `component` if it is `None`.
    encoding, decoder, int8, transformer, trust
        As in `student_files`; for archives.
    config : `Any`
        Of the component's factory.

    # Returns

    `Language`
    """
    source = Path(source)
    if (source / MANIFEST).is_file():
        if encoding or decoder or int8 or transformer:
            raise BridgeError(
                f"{source} is packaged already: encoding, decoder, int8 and transformer are settled"
            )
        student = open_student(source)
    else:
        from spacy_bridge.packaging.student_files import student_files
        from spacy_bridge.runtime.manifest import sum_up

        files = student_files(source, encoding, decoder, int8, transformer, trust)
        student = open_student({**files, MANIFEST: sum_up(files)})
    if component is None:
        encoded = read_json(student.files, SETTINGS, str(source)).get("encoding")
        component = "parser" if student.kind == "parser" else "ner" if encoded else "tagger"
    if component not in FACTORIES:
        raise BridgeError(f"component must be one of {', '.join(FACTORIES)}, found {component!r}")
    nlp = blank(lang) if nlp is None else nlp
    add_student(nlp, component, name or component, student, config)
    return nlp
