"""What the demo distils."""

from pathlib import Path
from typing import NamedTuple, Tuple

RESULTS = Path(__file__).resolve().parent.parent / "results"


class Task(NamedTuple):
    """One model that is distilled.

    # Parameters

    name : `str`
    configs : `Path`
        The folder of its configurations, relative to the repository.
    runs : `Path`
        The folder of its runs, the same that its configurations name.
    record : `Path`
        Where the deviation over seeds is recorded.
    metric : `str`
        Of AllenNLP's metrics, the one to show after each epoch.
    columns : `Tuple[str, ...]`
        The scores on test; the gap is of the last.
    """

    name: str
    configs: Path
    runs: Path
    record: Path
    metric: str
    columns: Tuple[str, ...]


TASKS = (
    Task(
        "tagger",
        Path("training_configs") / "demo",
        Path("runs") / "demo",
        RESULTS / "demo.json",
        "accuracy",
        ("accuracy",),
    ),
    Task(
        "parser",
        Path("training_configs") / "demo" / "parsing",
        Path("runs") / "demo" / "parsing",
        RESULTS / "demo_parser.json",
        "LAS",
        ("UAS", "LAS"),
    ),
)
