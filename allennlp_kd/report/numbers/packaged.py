"""Measures the size and speed of a student packaged for spaCy."""

import time
from typing import Any, Dict, Sequence

from allennlp_kd.fields.sentence import Sentence

BATCH, MOST_WORDS = 32, 20_000
PRECISIONS = {"float": False, "int8": True}


def packaged(
    archive: str, sentences: Sequence[Sentence], tagged: bool, trust: bool = False
) -> Dict[str, Any]:
    """Packages a student in float and in 8 bits, and times both with one thread.

    The clock runs from words to decisions, as that of the student under torch. The first batch is
    decoded before the clock starts where there are more.

    # Parameters

    archive : `str`
    sentences : `Sequence[Sentence]`
        As many as have 20,000 words are timed.
    tagged : `bool`
        Whether the student reads part-of-speech tags.
    trust : `bool`, optional (default = `False`)
        As `ArchiveTeacher` takes it.

    # Returns

    `Dict[str, Any]`
        `float` and `int8`, each with `bytes` and `words_per_second`; or, where the student cannot be
        packaged, `reason`.
    """
    from spacy_bridge.errors import BridgeError
    from spacy_bridge.packaging.needed_packages import require_packages
    from spacy_bridge.runtime.manifest import MANIFEST, sum_up
    from spacy_bridge.runtime.open_student import open_student

    found: Dict[str, Any] = {}
    try:
        require_packages(archive)
        from spacy_bridge.packaging.student_files import student_files

        for name, int8 in PRECISIONS.items():
            files = student_files(archive, int8=int8, trust=trust)
            student = open_student({**files, MANIFEST: sum_up(files)})
            found[name] = {
                "bytes": sum(map(len, files.values())),
                "words_per_second": _speed(student, sentences, tagged),
            }
    except BridgeError as error:
        return {"reason": str(error)}
    return found


def _speed(student: Any, sentences: Sequence[Sentence], tagged: bool) -> float:
    batches = [sentences[at : at + BATCH] for at in range(0, len(sentences), BATCH)]
    words, seconds = 0, 0.0
    for number, batch in enumerate(batches):
        inputs = [list(sentence.words) for sentence in batch]
        tags = [list(sentence.tags or ()) for sentence in batch] if tagged else None
        started = time.perf_counter()
        student(inputs, tags)
        if number > 0 or len(batches) == 1:
            seconds += time.perf_counter() - started
            words += sum(map(len, inputs))
        if words >= MOST_WORDS:
            break
    return words / seconds
