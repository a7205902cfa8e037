"""Tables of the architectures that were tried: what teaches, what a student equals, what is packaged."""

from typing import Any, Dict, List, Mapping

from benchmarks.table import format_table

COLUMNS = {"teaches": "teaches", "student": "student equals stock", "packaged": "packaged"}
YES, NOT_TRIED = "yes", "-"
_FAMILIES = {
    "albert": "ALBERT", "bert": "BERT", "deberta": "DeBERTa", "deberta_v2": "DeBERTa v2",
    "electra": "ELECTRA", "roberta": "RoBERTa", "xlm_roberta": "XLM-R",
}  # fmt: skip
_KINDS = {
    "tagger": "`crf_tagger`", "parser": "`biaffine_parser`", "student": "`crf_tagger_student`",
    "layers_student": "`crf_tagger_student`, `pretrained_transformer_layers`",
    "distilled": "`distillation`",
}  # fmt: skip


def architectures(results: Mapping[str, Any]) -> str:
    """A row for each architecture, and below the table why some are refused."""
    return _table("architecture", results["new"])


def legacy_archives(results: Mapping[str, Any]) -> str:
    """A row for each archive that the legacy stack wrote."""
    rows = {}
    for name, row in results["legacy"].items():
        family = max((each for each in _FAMILIES if name.startswith(each)), key=len)
        rows[f"{_FAMILIES[family]}, {_KINDS[name[len(family) + 1 :]]}"] = row
    return _table("archive", rows)


def architecture_counts(results: Mapping[str, Any]) -> str:
    """How many pass, with the release before and now."""
    rows = []
    for kind, name in (("new", "new archives"), ("legacy", "archives of the legacy stack")):
        for when, found in (("before", results["before"][kind]), ("now", results[kind])):
            columns = [[row[column] for row in found.values()] for column in COLUMNS]
            rows.append([f"{name}, {when}", *map(_share, columns)])
    return format_table(["", *COLUMNS.values()], rows)


def _share(values: List[str]) -> str:
    tried = [value for value in values if value != NOT_TRIED]
    return f"{tried.count(YES)} of {len(tried)}" if tried else NOT_TRIED


def _table(first: str, rows: Mapping[str, Dict[str, str]]) -> str:
    reasons: List[str] = []
    lines = []
    for name, row in rows.items():
        cells = []
        for column in COLUMNS:
            value = row[column]
            if value not in (YES, NOT_TRIED):
                if value not in reasons:
                    reasons.append(value)
                value = f"no ({reasons.index(value) + 1})"
            cells.append(value)
        lines.append([name, *cells])
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, start=1)]
    return "\n\n".join([format_table([first, *COLUMNS.values()], lines), "\n".join(notes)]).strip()
