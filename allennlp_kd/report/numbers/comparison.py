"""Computes all numbers of a report."""

import os
import platform
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import torch
from allennlp.common import Tqdm
from allennlp.common.checks import ConfigurationError

from allennlp_kd.report.numbers.agreement import agreement
from allennlp_kd.report.numbers.calibration import calibration
from allennlp_kd.report.numbers.compared_model import Contender
from allennlp_kd.report.numbers.compared_teacher import ComparedTeacher
from allennlp_kd.report.numbers.curves import curves
from allennlp_kd.report.numbers.decoded_sentence import DecodedSentence
from allennlp_kd.report.numbers.differences import differences
from allennlp_kd.report.numbers.labelled_sentence import LabelledSentence, read_labelled
from allennlp_kd.report.numbers.spans import check_tags
from allennlp_kd.report.numbers.tag_scores import tag_scores
from allennlp_kd.report.numbers.tree_scores import tree_scores
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.teacher import Teacher

FORMAT = 1
BATCH_SIZE = 32
TEACHER = "teacher"
PACKAGES = ("allennlp", "allennlp-models", "torch", "spacy", "numpy")


class NothingToCompare(ConfigurationError):
    """The teacher has decided nothing about the sentences of a file."""


def compare(
    teacher: Union[str, Teacher],
    students: Dict[str, str],
    data: str,
    plain: Optional[str] = None,
    most_sentences: int = 20,
    cuda_device: int = -1,
    transformer: Optional[str] = None,
    trust: bool = False,
) -> Dict[str, Any]:
    """
    # Parameters

    teacher : `Union[str, Teacher]`
        An archive (or the folder of a run), AllenNLP's or a student's; or a teacher with `score`.
    students : `Dict[str, str]`
        By their names the archives or the folders of runs, of which there are training curves too.
    data : `str`
        A labeled file, which the first student's reader reads.
    plain : `str`, optional
        Which of the students has had no teacher.
    most_sentences : `int`, optional (default = `20`)
        How many of the sentences on which a student differs most from its teacher to return.
    cuda_device : `int`, optional (default = `-1`)
    transformer : `str`, optional
        Of the teacher, as `ArchiveTeacher` takes it.
    trust : `bool`, optional (default = `False`)
        In all of the archives, as `ArchiveTeacher` takes it.

    # Returns

    `Dict[str, Any]`
        What `report.json` holds.

    # Raises

    ConfigurationError
        If a name is not usable, a file is missing, no sentence is labeled, or the models do not go
        together. `NothingToCompare` if the teacher knows none of the sentences.
    """
    _check_names(students, plain)
    contenders: List[Any] = [_teacher(teacher, cuda_device, transformer, trust)]
    contenders += [
        Contender(name, path, cuda_device, trust=trust) for name, path in students.items()
    ]
    structure = _structure(contenders)
    encoding = _encoding(contenders) if structure == "chain" else None
    _check_labels(contenders)
    sentences, unlabelled = read_labelled(data, contenders[1].reader, structure)
    sentences, unknown = _known(sentences, contenders[0], data)
    gold = [each.gold for each in sentences]
    check_tags(gold, encoding, data)
    decoded = {each.name: _decode(each, sentences) for each in contenders}
    models = []
    for contender in contenders:
        ours = decoded[contender.name]
        found = _found(contender, ours, sentences, encoding)
        found["role"] = "plain" if contender.name == plain else "student"
        if contender.name == TEACHER:
            found["role"] = TEACHER
        else:
            theirs = decoded[TEACHER]
            labels = contender.labels, contenders[0].labels
            found["agreement"] = agreement(ours, theirs, gold, *labels)
            found["differences"] = differences(sentences, theirs, ours, most_sentences)
            found["packaged"] = contender.packaged([each.sentence for each in sentences])
        models.append(found)
    metric = _metric(models[0]["scores"])
    for found in models[1:]:
        found["gap"] = _gap(metric, models, found, plain)
    return {
        "format": FORMAT,
        "made": _made(cuda_device),
        "data": {
            "file": data,
            "sentences": len(sentences),
            "words": sum(len(each.gold.labels) for each in sentences),
            "unlabelled": unlabelled + unknown,
        },
        "structure": structure,
        "encoding": encoding,
        "metric": metric,
        "plain": plain,
        "models": models,
    }


def _teacher(
    teacher: Union[str, Teacher], cuda_device: int, transformer: Optional[str], trust: bool
) -> Union[Contender, ComparedTeacher]:
    if isinstance(teacher, str):
        return Contender(TEACHER, teacher, cuda_device, transformer, trust)
    if isinstance(teacher, ArchiveTeacher):
        return Contender(TEACHER, teacher.archive_file, cuda_device, opened=teacher)
    return ComparedTeacher(TEACHER, teacher)


def _known(
    sentences: List[LabelledSentence], teacher: Any, data: str
) -> Tuple[List[LabelledSentence], int]:
    """The sentences that the teacher has decided about, and the number of the others."""
    known = [each for each in sentences if teacher.knows(each.sentence)]
    if not known:
        raise NothingToCompare(
            f"nothing to compare: none of the {len(sentences)} labeled sentences of {data} is in "
            f"{teacher.archive}"
        )
    return known, len(sentences) - len(known)


def _check_names(students: Dict[str, str], plain: Optional[str]) -> None:
    if not students:
        raise ConfigurationError("a comparison needs at least one student, found none")
    if TEACHER in students or "" in students:
        wrong = TEACHER if TEACHER in students else ""
        raise ConfigurationError(f"'{wrong}' cannot be the name of a student: choose another name")
    if plain is not None and plain not in students:
        raise ConfigurationError(
            f"the plain student must be one of {', '.join(students)}, found '{plain}'"
        )


def _structure(contenders: Sequence[Any]) -> str:
    expected = contenders[0].structure
    for contender in contenders[1:]:
        if contender.structure != expected:
            raise ConfigurationError(
                f"the teacher's structure is {expected}, but the structure of the student "
                f"'{contender.name}' is {contender.structure}: they cannot be compared"
            )
    return expected


def _check_labels(contenders: Sequence[Any]) -> None:
    theirs = contenders[0].labels
    for contender in contenders[1:]:
        if not set(contender.labels) & set(theirs):
            raise ConfigurationError(
                f"the student '{contender.name}' has no label in common with the teacher: "
                f"{contender.labels} and {theirs}"
            )


def _encoding(contenders: Sequence[Any]) -> Optional[str]:
    """Returns the common span encoding; models without one are ignored."""
    named = {each.name: each.encoding for each in contenders if each.encoding is not None}
    if len(set(named.values())) > 1:
        listed = ", ".join(f"{name}: {encoding}" for name, encoding in named.items())
        raise ConfigurationError(f"the models must use the same span encoding, found {listed}")
    return next(iter(named.values()), None)


def _decode(contender: Any, sentences: Sequence[LabelledSentence]) -> List[DecodedSentence]:
    contender.check([each.sentence for each in sentences])
    found: List[DecodedSentence] = []
    starts = range(0, len(sentences), BATCH_SIZE)
    for start in Tqdm.tqdm(starts, desc=contender.name, unit="batch"):
        batch = [each.sentence for each in sentences[start : start + BATCH_SIZE]]
        found.extend(contender.decode(batch))
    return found


def _found(
    contender: Any,
    decoded: Sequence[DecodedSentence],
    sentences: Sequence[LabelledSentence],
    encoding: Optional[str],
) -> Dict[str, Any]:
    gold = [each.gold for each in sentences]
    if contender.structure == "chain":
        check_tags(decoded, encoding, f"'{contender.name}'")
        scored = tag_scores(decoded, gold, encoding)
    else:
        scored = tree_scores(decoded, gold, [each.sentence.tags for each in sentences])
    return {
        "name": contender.name,
        "archive": contender.archive,
        "bytes": contender.size,
        "parameters": contender.parameters,
        "words_per_second": contender.words_per_second,
        **scored,
        "calibration": calibration(decoded, gold),
        "curves": curves(contender.run),
    }


def _metric(scores: Dict[str, float]) -> str:
    """Returns the score on which the gap is computed."""
    order = ("f1", "LAS", "LAS-all-words-subtypes", "accuracy")
    return next(name for name in order if name in scores)


def _gap(
    metric: str, models: Sequence[Dict[str, Any]], found: Dict[str, Any], plain: Optional[str]
) -> Dict[str, Any]:
    """The share of the gap between teacher and plain student that this student has recovered:

        (student - plain) / (teacher - plain)

    # Returns

    `Dict[str, Any]`
        `recovered`, or `None` with the `reason`; and `points`, the gap, where it is known.
    """
    if plain is None:
        return {"recovered": None, "points": None, "reason": "no plain student was named"}
    scores = {each["name"]: each["scores"][metric] for each in models}
    points = scores[TEACHER] - scores[plain]
    if points <= 0:
        reason = "no gap: the teacher is not better than the plain student"
        return {"recovered": None, "points": points, "reason": reason}
    if found["name"] == plain:
        return {"recovered": None, "points": points, "reason": "the plain student itself"}
    recovered = (scores[found["name"]] - scores[plain]) / points
    return {"recovered": recovered, "points": points, "reason": None}


def _made(cuda_device: int) -> Dict[str, Any]:
    device = "CPU" if cuda_device < 0 else torch.cuda.get_device_name(cuda_device)
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "batch_size": BATCH_SIZE,
    }
