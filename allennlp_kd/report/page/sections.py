"""The sections of the page."""

from typing import Any, Dict, List, Mapping

from allennlp_kd.report.page.drawings import drawn
from allennlp_kd.report.page.markup import Markup, bytes_of, element, joined, percent, table
from allennlp_kd.report.plots.figures import NAMES

MOST_DEVIATIONS = 12
COLUMNS = {
    "f1": "F1",
    "LAS-all-words-subtypes": "LAS, all words, subtypes",
    "LAS-all-words": "LAS, all words",
    "UAS-all-words": "UAS, all words",
}


def scores(report: Dict[str, Any], plots: Mapping[str, Markup]) -> Markup:
    models = report["models"]
    names = list(models[0]["scores"])
    overall = table(
        "Scores on the file, in percent",
        ["model", *(COLUMNS.get(name, name) for name in names), "gap recovered"],
        [
            [m["name"], *(percent(m["scores"].get(name), 2) for name in names), _gap(m)]
            for m in models
        ],
    )
    shown = [plots[name] for name in ("labels", "distances") if name in plots]
    # The same for all students.
    reasons = {m["gap"]["reason"] for m in models[1:] if not (m["gap"]["points"] or 0) > 0}
    notes = [element("p", f"Gap recovered: {reason}.", class_="soft") for reason in reasons]
    return joined([overall, *notes, element("div", *shown, class_="plots"), _all_labels(report)])


def _gap(model: Dict[str, Any]) -> str:
    gap = model.get("gap")
    if gap is None:
        return ""
    return percent(gap["recovered"], 0)


def _all_labels(report: Dict[str, Any]) -> Markup:
    """What the plots leave out, folded."""
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
            tables.append(table(f"{name[0].upper()}{name[1:]} by {kind}", columns, rows))
    return element(
        "details", element("summary", "All labels"), element("div", *tables, class_="tables")
    )


def agreement(report: Dict[str, Any], plots: Mapping[str, Markup]) -> Markup:
    students = report["models"][1:]
    kinds = list(dict.fromkeys(kind for s in students for kind in s["agreement"]["scores"]))
    parts = [
        table(
            "Words for which a student decides what the teacher does, in percent",
            ["student", *(kind.replace("agreement-", "") for kind in kinds)],
            [
                [s["name"], *(percent(s["agreement"]["scores"].get(kind), 2) for kind in kinds)]
                for s in students
            ],
        )
    ]
    parts += [element("p", note) for student in students for note in _notes(student)]
    names = [f"deviation-{place}" for place in range(1, len(students) + 1)]
    maps = [plots[name] for name in names if name in plots]
    parts.append(element("div", *maps, class_="plots wide"))
    parts.append(element("div", *map(_deviations, students), class_="tables"))
    by_label = [
        table(
            f"Agreement of {student['name']} by the teacher's label",
            ["label", "words", "agreement"],
            [
                [row["label"], f"{row['words']:,}", percent(row["share"])]
                for row in student["agreement"]["by_label"]
            ],
        )
        for student in students
    ]
    folded = element("div", *by_label, class_="tables")
    parts.append(element("details", element("summary", "Agreement by label"), folded))
    return joined(parts)


def _notes(student: Dict[str, Any]) -> List[str]:
    found = student["agreement"]
    notes = []
    if found["only_teacher"]:
        notes.append(
            f"Only the teacher knows {', '.join(found['only_teacher'])}: the {found['left_out']:,} "
            f"words that it gives one of these are left out of the agreement of {student['name']}."
        )
    if found["only_student"]:
        notes.append(f"Only {student['name']} knows {', '.join(found['only_student'])}.")
    return notes


def _deviations(student: Dict[str, Any]) -> Markup:
    rows = [row for row in student["agreement"]["confusion"] if row["teacher"] != row["student"]]
    return table(
        f"The most frequent deviations of {student['name']}, and how often which of the two is right",
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


def calibration(report: Dict[str, Any], plots: Mapping[str, Markup]) -> Markup:
    rows = [[model["name"], percent(model["calibration"]["ece"], 2)] for model in report["models"]]
    found = table("Expected calibration error, in percent", ["model", "ECE"], rows)
    return joined([found, element("div", plots["calibration"], class_="plots")])


def cost(report: Dict[str, Any], plots: Mapping[str, Markup]) -> Markup:
    rows = [
        [
            model["name"],
            f"{model['parameters']:,}",
            bytes_of(model["bytes"]),
            f"{model['words_per_second']:,.0f}",
        ]
        for model in report["models"]
    ]
    made = report["made"]
    where = (
        f"{made['device']} ({made['machine']}, {made['cores']} cores, {made['threads']} threads)"
    )
    found = table(
        f"Words/s as measured here: {where}, batches of {made['batch_size']}",
        ["model", "parameters", "archive on disk", "words/s"],
        rows,
    )
    return joined([found, element("div", plots["speed"], class_="plots")])


def sentences(report: Dict[str, Any]) -> Markup:
    parts = [element("p", _how_to_read(report))]
    labels = [row["label"] for row in report["models"][0]["by_label"]]
    for place, model in enumerate(report["models"][1:], start=1):
        found = model["differences"]
        drawings = [
            element(
                "article",
                element(
                    "h4",
                    f"Sentence {each['number']:,}: {len(each['differing'])} of "
                    f"{len(each['words'])} words differ",
                ),
                drawn(each, f"tree-{place}-{number}", report["encoding"], labels),
                class_="sentence",
            )
            for number, each in enumerate(found)
        ]
        title = f"{model['name']} and the teacher: {len(found)} sentences"
        content = element("summary", title), element("div", *drawings, class_="sentences")
        # The last student is the one that this is about, where the plain one is named first.
        folded = Markup(element("details", *content))
        if place == len(report["models"]) - 1:
            folded = Markup(folded.replace("<details", "<details open", 1))
        parts.append(folded)
    return joined(parts)


def _how_to_read(report: Dict[str, Any]) -> str:
    if report["structure"] == "tree":
        return (
            "Ordered by how many words have another head or label. Under a word for which a tree is "
            "wrong stand the gold label and head."
        )
    if report["encoding"] is None:
        return "Ordered by how many words differ. Shown are tags on which the three are not at one."
    return "Ordered by how many words have another tag."


def method(report: Dict[str, Any]) -> Markup:
    data = report["data"]
    notes = [
        f"All models are given the same words, read by the first student's reader from {data['file']}; "
        f"{data['unlabelled']:,} sentences without annotation are left out. Each row is one trained "
        "model: how far seeds deviate is not in this report.",
        "Gap recovered is (student − plain student) / (teacher − plain student) of the first score "
        "on the cards.",
    ]
    if report["structure"] == "tree":
        notes += [
            "UAS and LAS leave punctuation out, as stock does, where the file has part-of-speech tags; "
            "scores by label and by distance count all words. A stock parser's tree is the best one "
            "with one root word. LAS compares whole labels, but for LAS of all words, which is "
            "CoNLL-2018's and compares universal labels.",
            "A decision's confidence is p(head) · p(label | head).",
        ]
    else:
        notes += [
            "Spans count where type and both ends are right, as AllenNLP counts them."
            if report["encoding"]
            else "No model was told that its tags encode spans, so each word's tag counts on its own.",
            "A decision's confidence is the marginal probability of the tag; constraints bind "
            "decoding alone.",
        ]
    notes.append(
        "The expected calibration error is the mean distance of confidence and accuracy over 10 bins "
        "of equal width, weighted by their words. Words/s are from words to decisions (indexing, "
        "network, decoding), without the first batch."
    )
    return joined(element("p", note) for note in notes)
