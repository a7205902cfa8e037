"""The order of the frontier on text of another domain: test scores of its contenders on other treebanks.

The contenders of `frontier` for parsing and part-of-speech tags, as they are served, on gold words and sentences. The
other treebanks must have the labels of UD English EWT: `NAME.conllu` in the folder $ALLENNLP_KD_TREEBANKS, each read
whole. Archives: $ALLENNLP_KD_TEACHERS and $ALLENNLP_KD_STUDENTS (`TASK-SIZE.tar.gz`), EWT: $ALLENNLP_KD_DATA,
pipelines of `spacy_baselines`: $ALLENNLP_KD_SPACY. Two contenders that are at most `TIE` points apart on one of the
treebanks have no order.
"""

import os
from itertools import combinations
from pathlib import Path
from typing import Dict, List

from benchmarks.command import NoData, Options, run, settings
from benchmarks.report import Report, Target

HOME = "EWT"
TIE = 0.1
"""Points: contenders that are no further apart are level."""
QUICK = 20
"""The sentences of a quick run."""
TASKS_OF_TREEBANKS = ("parsing", "part_of_speech")


def measure(options: Options) -> Report:
    """A column for each treebank; a row for each contender whose model is there."""
    from benchmarks.measures.served_contenders import measure_scores
    from benchmarks.setups.contenders import PREDICT, contenders
    from benchmarks.setups.tasks import TASKS, examples

    folders = {
        name: Path(os.environ.get(f"ALLENNLP_KD_{name}", name.lower()))
        for name in ("TREEBANKS", "TEACHERS", "STUDENTS", "SPACY")
    }
    others = sorted(folders["TREEBANKS"].glob("*.conllu"))
    if not others:
        folder = folders["TREEBANKS"]
        raise NoData(
            f"set ALLENNLP_KD_TREEBANKS to a folder of NAME.conllu; found none in {folder}"
        )
    if HOME in (path.stem.upper() for path in others):
        raise ValueError(
            f"{HOME} is the test set of ALLENNLP_KD_DATA: rename {HOME.lower()}.conllu in "
            f"{folders['TREEBANKS']}"
        )
    report = Report("out_of_domain", settings(options, tie=TIE))
    for name in TASKS_OF_TREEBANKS:
        task = TASKS[name]
        everyone = contenders(name, folders["TEACHERS"], folders["STUDENTS"], folders["SPACY"])
        there = [each for each in everyone if each.model.exists() and each.served != PREDICT]
        paths = {HOME: task.path("test"), **{path.stem.upper(): path for path in others}}
        golds = [examples(path)[: QUICK if options.quick else None] for path in paths.values()]
        measured = {each.label: measure_scores(task, each, golds) for each in there}
        for number, (treebank, path) in enumerate(paths.items()):
            size = len(golds[number])
            report.notes.setdefault(treebank, {"sentences": size, "file": path.name})
            found = {label: 100 * scores[number][0] for label, scores in measured.items()}
            report.add(
                treebank, {f"{label}, {task.score}": value for label, value in found.items()}
            )
            if treebank != HOME:
                home = report.medians[HOME]
                expected = {label: home[f"{label}, {task.score}"] for label in found}
                swapped = inversions(expected, found)
                report.notes[treebank][f"{task.score}, in another order than on {HOME}"] = swapped
                report.targets.append(
                    Target(
                        f"{task.score}, {treebank}: pairs in another order than on {HOME}, of "
                        f"{len(found) * (len(found) - 1) // 2}",
                        len(swapped),
                        0,
                    )
                )
    return report


def inversions(home: Dict[str, float], away: Dict[str, float], tie: float = TIE) -> List[str]:
    """The pairs that are in another order away than at home, neither of them level.

    # Parameters

    home, away : `Dict[str, float]`
        The scores of the same contenders.
    tie : `float`
        How far apart two level contenders are at most.
    """
    pairs = []
    for one, other in combinations(home, 2):
        differences = [scores[one] - scores[other] for scores in (home, away)]
        if min(map(abs, differences)) > tie and differences[0] * differences[1] < 0:
            pairs.append(f"{one} and {other}")
    return pairs


def main(arguments: List[str]) -> None:
    """The entry point; `arguments` are the words after `python -m benchmarks out_of_domain`."""
    run("out_of_domain", measure, arguments, __doc__)
