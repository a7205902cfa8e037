"""What the demo distills."""

from pathlib import Path
from typing import NamedTuple

from benchmarks.setups import tasks

RESULTS = Path(__file__).resolve().parent.parent / "results"
FILES = {split: f"turkish/{split}.conllu" for split in ("train", "dev", "test")}


class Task(NamedTuple):
    """One model that is distilled.

    # Parameters

    name : `str`
    configs : `Path`
        The folder of its configurations, relative to the repository.
    runs : `Path`
        The folder of its runs, the same that its configurations name.
    record : `Path`
        Where the scores over seeds are recorded.
    metric : `str`
        The metric of AllenNLP that is shown after each epoch.
    measured : `benchmarks.setups.tasks.Task`
        How its models are measured.
    """

    name: str
    configs: Path
    runs: Path
    record: Path
    metric: str
    measured: tasks.Task


TASKS = (
    Task(
        "tagger",
        Path("training_configs") / "demo",
        Path("runs") / "demo",
        RESULTS / "demo.json",
        "accuracy",
        tasks.Task("tagger", "accuracy", FILES),
    ),
    Task(
        "parser",
        Path("training_configs") / "demo" / "parsing",
        Path("runs") / "demo" / "parsing",
        RESULTS / "demo_parser.json",
        "LAS",
        tasks.Task("parser", "LAS", FILES),
    ),
)
