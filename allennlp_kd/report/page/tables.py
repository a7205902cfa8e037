"""The tables of the page, made from the report's numbers."""

from typing import Any, Dict, List, NamedTuple, Sequence

from allennlp_kd.report.numbers.packaged import PRECISIONS
from allennlp_kd.report.page.number_formats import count, file_size, percent
from allennlp_kd.report.plots.figures import NAMES

MOST_DEVIATIONS = 12
COLUMNS = {
    "f1": "F1",
    "LAS-all-words-subtypes": "LAS, all words, subtypes",
    "LAS-all-words": "LAS, all words",
    "UAS-all-words": "UAS, all words",
}


class Table(NamedTuple):
    """A table of plain text; the first cell of a row is its header.

    # Parameters

    caption : `str`
    columns : `Sequence[str]`
        The headings.
    rows : `Sequence[Sequence[str]]`
    text_columns : `int`, optional (default = `1`)
        The number of columns, from the left, that hold text instead of numbers.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    text_columns: int = 1


def scores(report: Dict[str, Any]) -> Table:
    """Each model's scores and the share of the gap that it recovers."""
    models = report["models"]
    names = list(models[0]["scores"])
    return Table(
        "Scores on the file, in percent",
        ["model", *(COLUMNS.get(name, name) for name in names), "gap recovered"],
        [
            [m["name"], *(percent(m["scores"].get(name), 2) for name in names), _gap(m)]
            for m in models
        ],
    )


def _gap(model: Dict[str, Any]) -> str:
    gap = model.get("gap")
    return "" if gap is None else percent(gap["recovered"], 0)


def gap_notes(report: Dict[str, Any]) -> List[str]:
    """Explains a missing gap, once for all students with the same reason."""
    found = [model["gap"] for model in report["models"][1:]]
    return list(dict.fromkeys(gap["reason"] for gap in found if not (gap["points"] or 0) > 0))


def all_labels(report: Dict[str, Any]) -> List[Table]:
    """Scores for all labels and distances, including those that the plots leave out."""
    tree = report["structure"] == "tree"
    measures = ("UAS", "LAS") if tree else ("precision", "recall", "f1")
    tables = []
    for kind, rows_of in (("label", "by_label"), ("distance", "by_distance")):
        if rows_of not in report["models"][0]:
            continue
        for measure in measures:
            found = [{row[kind]: row for row in model[rows_of]} for model in report["models"]]
            gold = {name: row["gold"] for rows in found[::-1] for name, row in rows.items()}
            order = [row[kind] for row in report["models"][0][rows_of]]
            order += sorted(set(gold) - set(order))
            rows = [
                [
                    name,
                    f"{gold[name]:,}",
                    *(percent(each[name][measure] if name in each else None) for each in found),
                ]
                for name in order
            ]
            name = NAMES.get(measure, measure)
            columns = [kind, "gold", *(model["name"] for model in report["models"])]
            tables.append(Table(f"{name[0].upper()}{name[1:]} by {kind}", columns, rows))
    return tables


def agreement(students: Sequence[Dict[str, Any]]) -> Table:
    """The agreement of each student with the teacher."""
    kinds = list(dict.fromkeys(kind for s in students for kind in s["agreement"]["scores"]))
    return Table(
        "Words for which student and teacher decide the same, in percent",
        ["student", *(kind.replace("agreement-", "") for kind in kinds)],
        [
            [s["name"], *(percent(s["agreement"]["scores"].get(kind), 2) for kind in kinds)]
            for s in students
        ],
    )


def deviations(student: Dict[str, Any]) -> Table:
    """A student's most frequent disagreements with its teacher."""
    rows = [row for row in student["agreement"]["confusion"] if row["teacher"] != row["student"]]
    return Table(
        f"The most frequent disagreements of {student['name']} with the teacher, and which of them is right",
        ["teacher", "student", "words", "teacher right", "student right"],
        [
            [
                row["teacher"],
                row["student"],
                *(f"{row[name]:,}" for name in ("words", "teacher_right", "student_right")),
            ]
            for row in rows[:MOST_DEVIATIONS]
        ],
        text_columns=2,
    )


def agreement_by_label(student: Dict[str, Any]) -> Table:
    """A student's agreement with its teacher for each teacher label."""
    return Table(
        f"Agreement of {student['name']} by the teacher's label",
        ["label", "words", "agreement"],
        [
            [row["label"], f"{row['words']:,}", percent(row["share"])]
            for row in student["agreement"]["by_label"]
        ],
    )


def calibration(report: Dict[str, Any]) -> Table:
    """Each model's expected calibration error."""
    rows = [
        [model["name"], percent((model["calibration"] or {}).get("ece"), 2)]
        for model in report["models"]
    ]
    return Table("Expected calibration error, in percent", ["model", "ECE"], rows)


def cost(report: Dict[str, Any]) -> Table:
    """Each model's size and speed, under torch and, for students, as packaged for spaCy."""
    made = report["made"]
    where = (
        f"{made['device']} ({made['machine']}, {made['cores']} cores, {made['threads']} threads)"
    )
    return Table(
        f"Words/s measured on {where} in batches of {made['batch_size']}; packaged for spaCy: CPU, "
        "1 thread",
        [
            "model",
            "parameters",
            "archive on disk",
            "words/s",
            "packaged",
            "packaged words/s",
            "int8",
            "int8 words/s",
        ],
        [
            [
                model["name"],
                count(model["parameters"]),
                file_size(model["bytes"]),
                count(model["words_per_second"]),
                *(cell for name in PRECISIONS for cell in _packaged(model, name)),
            ]
            for model in report["models"]
        ],
    )


def _packaged(model: Dict[str, Any], precision: str) -> List[str]:
    """Returns size and words per second; empty for the teacher and for students that cannot be
    packaged.
    """
    found = model.get("packaged", {}).get(precision)
    if found is None:
        return ["", ""]
    return [file_size(found["bytes"]), f"{found['words_per_second']:,.0f}"]
