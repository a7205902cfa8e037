"""Who stands on the frontier: the teacher, spaCy's own training, and the students, by task."""

from pathlib import Path
from typing import Any, Dict, List, NamedTuple

from benchmarks.accuracy import read_lines
from benchmarks.scores import finals
from benchmarks.setups.tasks import TASKS
from benchmarks.spacy_baselines import GOLD, SILVER, pipeline_folder

RESULTS = Path(__file__).parents[1] / "results"
SIZES = ("small", "medium", "large")
ARMS = {
    "parsing": {
        "small": "predictions, more text",
        "medium": "predictions, more text",
        "large": "predictions",
    },
    "part_of_speech": {
        "small": "small, more text",
        "medium": "medium, more text",
        "large": "large",
    },
    "chunking": {"small": "small, more text", "medium": "medium, more text", "large": "large"},
    "named_entities": {
        "small": "small, more text",
        "medium": "medium, more text",
        "large": "large, more text",
    },
}
"""The recorded arm of each task and size: with raw text in addition, or with the annotated corpus alone."""
TEACHER, SPACY, STUDENT = "teacher", "spaCy", "student"
PREDICT, FLOAT, INT8, PIPELINE = "allennlp predict", "packaged", "packaged, int8", "spaCy"


class Contender(NamedTuple):
    """One point of a task's figure.

    # Parameters

    name : `str`
    family : `str`
        `teacher`, `spaCy` or `student`.
    served : `str`
        `allennlp predict`, `packaged`, `packaged, int8` or, for a pipeline of spaCy's own, `spaCy`.
    model : `Path`
        The archive or the pipeline's folder, which need not exist.
    recorded : `List[float]`
        Test scores of the recorded runs, one a seed.
    """

    name: str
    family: str
    served: str
    model: Path
    recorded: List[float]

    @property
    def label(self) -> str:
        """The name and how it is served, where that is not clear from the family."""
        return self.name if self.family == SPACY else f"{self.name}, {self.served}"


def contenders(
    task: str, teachers: Path, students: Path, spacy: Path, results: Path = RESULTS
) -> List[Contender]:
    """All contenders of a task, whether or not their models and runs exist.

    # Parameters

    task : `str`
    teachers, students, spacy : `Path`
        The folders of the teachers' archives, of the students' (`TASK-SIZE.tar.gz`) and of the
        pipelines that `spacy_baselines` trained.
    results : `Path`
        The folder of the recorded runs.
    """
    found: List[Contender] = []
    teacher = TASKS[task].teacher
    if teacher is not None:
        path = teachers / f"{teacher}.tar.gz"
        for served in (PREDICT, FLOAT, INT8):
            found.append(Contender("teacher", TEACHER, served, path, []))
    for arm in (GOLD, SILVER, f"{GOLD}, vectors"):
        if (task, arm) == ("part_of_speech", SILVER):
            continue  # not trained
        name = f"spaCy, {arm}"
        lines = read_lines(results / "spacy_baselines.jsonl")
        scores = [line["test"] for line in lines if (line["task"], line["arm"]) == (task, name)]
        trained = "parsing" if task == "part_of_speech" else task
        folder = pipeline_folder(spacy, trained, arm, 0) / "model-best"
        found.append(Contender(name, SPACY, PIPELINE, folder, scores))
    for size in SIZES:
        scores = [line["test"] for line in student_lines(task, size, results)]
        for served in (FLOAT, INT8):
            archive = students / f"{task}-{size}.tar.gz"
            found.append(Contender(size, STUDENT, served, archive, scores))
    return found


def student_lines(task: str, size: str, results: Path = RESULTS) -> List[Dict[str, Any]]:
    """The recorded runs of the students of a size that have all the gold annotation."""
    name = f"parsing_size_{size}" if task == "parsing" else f"{task}_sizes"
    lines = finals(read_lines(results / f"{name}.jsonl"))
    return [line for line in lines if (line["data"], line["arm"]) == ("all", ARMS[task][size])]
