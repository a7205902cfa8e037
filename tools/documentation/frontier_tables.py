"""Tables of the frontier: accuracy against speed, and the order on other treebanks."""

from benchmarks import frontier
from benchmarks.table import format_table
from tools.documentation.records import conditions, read, targets


def frontiers() -> str:
    """The frontier of each task with something measured: its contenders, what is missing, and who is below the line."""
    report = read("frontier")
    parts = []
    for task in report["tasks"]:
        parts.append(f"{task}\n\n{frontier.table(report, task)}")
        missing = frontier.missing(report, task)
        if missing:
            parts.append("Missing: " + "; ".join(missing) + ".")
        for name in frontier.to_remove(report, task):
            parts.append(
                f"`{name}` lies below the line that connects its neighbors on the frontier."
            )
    return "\n\n".join(parts)


def parsers() -> str:
    """The parsers of the frontier that a newcomer compares: the teacher, spaCy's own, and the students in 8 bits."""
    found = frontier.points(read("frontier"), "parsing")
    shown = {
        "teacher, allennlp predict": "teacher, `allennlp predict`",
        "spaCy, gold": "spaCy's own, trained on the same gold",
        "large, packaged, int8": "`large` student, 8 bits",
        "medium, packaged, int8": "`medium` student, 8 bits",
        "small, packaged, int8": "`small` student, 8 bits",
    }
    slowest = found["teacher, allennlp predict"]["words_per_second"]
    rows = [
        [
            name,
            f"{found[label]['score']:.1f}",
            f"{found[label]['words_per_second']:,.0f}",
            f"{found[label]['words_per_second'] / slowest:,.0f} x",
            f"{found[label]['megabytes']:.0f}",
        ]
        for label, name in shown.items()
    ]
    table = format_table(["parser, EWT test", "LAS", "words/s, one core", "faster", "MB"], rows)
    return f"{table}\n\n{taggers()}"


def taggers() -> str:
    """What small students learned from, and the small taggers in 8 bits beside their teachers."""
    shown = {
        "part_of_speech": "parts of speech {} % (teacher {})",
        "chunking": "chunks {} F1 ({})",
        "named_entities": "entities {} F1 ({})",
    }
    parts = []
    for task, text in shown.items():
        found = frontier.points(read("frontier"), task)
        pair = ("small, packaged, int8", "teacher, packaged")
        parts.append(text.format(*(f"{found[name]['score']:.1f}" for name in pair)))
    return (
        "`small` and `medium` also learned from a million words or more that the teacher annotated. "
        f"`small` taggers in 8 bits:\n{', '.join(parts)}."
    )


def headline() -> str:
    """What the smallest parser in 8 bits keeps of its teacher's accuracy, its speed and its size, in a sentence."""
    found = frontier.points(read("frontier"), "parsing")
    teacher, student = found["teacher, allennlp predict"], found["small, packaged, int8"]
    kept = student["score"] / teacher["score"]
    faster = student["words_per_second"] / teacher["words_per_second"]
    return (
        f"On English web text (UD EWT), the `small` parser keeps **{100 * kept:.0f} %** of its teacher's LAS "
        f"({student['score']:.1f} of {teacher['score']:.1f}), is **{faster:,.0f} times as fast** as\n"
        f"`allennlp predict` of the teacher on one CPU core, and takes **{student['megabytes']:.0f} MB**."
    )


def out_of_domain() -> str:
    """Scores by treebank: a row a contender, and which pairs are in another order than on EWT."""
    record = read("out_of_domain")
    columns = record["medians"]
    rows = [
        [label, *(f"{column[label]:.2f}" for column in columns.values())]
        for label in columns["EWT"]
    ]
    parts = [format_table(["test score", *columns], rows), targets("out_of_domain")]
    parts += [
        f"{treebank}, {what}: {'; '.join(pairs)}."
        for treebank, note in record["notes"].items()
        for what, pairs in note.items()
        if what not in ("sentences", "file") and pairs
    ]
    return "\n\n".join([*parts, conditions("out_of_domain")])
