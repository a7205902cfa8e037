"""Pipelines that several tests share."""

import functools
import tempfile
from pathlib import Path
from typing import Any

from spacy.language import Language

from spacy_bridge import load_student
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import write_files
from tests.spacy_bridge.archives import make_archive, parser, tagger

TEXTS = [
    "  The quick brown fox.  \n Dr. Smith visited London!  \n\n 42",
    "Yes",
    "",
    " \n ",
    "a b c. d e f",
    "Dr. Élodie Müller-Lüdenscheidt visited São Paulo in 2021! 日本語 \u200b \u202eabc 😀👩\u200d👩\u200d👧",
]


@functools.lru_cache(maxsize=None)
def packaged(kind: str) -> Path:
    """The folder of a packaged student: `tagger` or `parser`, made once."""
    folder = Path(tempfile.mkdtemp(prefix="students-"))
    config = parser() if kind == "parser" else tagger()
    options = {"decoder": "exact"} if kind == "parser" else {}
    archive = make_archive(folder / "archive", config)
    write_files(folder / "student", student_files(archive, **options))
    return folder / "student"


def pipeline(*components: str, **config: Any) -> Language:
    """A blank English pipeline with these components, all of them if none is named."""
    nlp = None
    for component in components or ("parser", "ner", "tagger", "chunker"):
        kind = "parser" if component == "parser" else "tagger"
        nlp = load_student(packaged(kind), component, nlp=nlp, **config)
    return nlp
