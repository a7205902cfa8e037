"""Draws sentences with spaCy's displaCy."""

import html
import re
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

from markupsafe import Markup
from spacy import displacy

from allennlp_kd.report.numbers.spans import parts_of
from spacy_bridge.drawing import TINTS, cropped_tree

DISTANCE = 108
LONGEST_NOTE = 19  # letters
ROOT = "ROOT"


class Drawing(NamedTuple):
    """A drawing of one model's decisions. If it has a label, it may be wider than the page."""

    side: str
    label: Optional[str]
    markup: Markup


def drawings(
    sentence: Dict[str, Any], name: str, encoding: Optional[str], labels: Sequence[str]
) -> List[Drawing]:
    """
    # Parameters

    sentence : `Dict[str, Any]`
        As `differences` returns it.
    name : `str`
        A prefix for ids that no other sentence has.
    encoding : `str`, optional
        The encoding of spans.
    labels : `Sequence[str]`
        The labels in the order in which they get colors.

    # Returns

    `List[Drawing]`
        Spans: those of gold, teacher and student. Tags without an encoding: the tags that the three
        do not agree on. Trees: those of teacher and student; the gold head and label stand under each
        word that has another.
    """
    if "heads" in sentence["gold"]:
        return [
            Drawing(side, f"the tree of the {side}", _tree(sentence, side, f"{name}-{side}"))
            for side in ("teacher", "student")
        ]
    tints = {label: TINTS[place % len(TINTS)] for place, label in enumerate(labels)}
    return [
        Drawing(side, None, _entities(sentence, side, encoding, tints))
        for side in ("gold", "teacher", "student")
    ]


def _entities(
    sentence: Dict[str, Any], side: str, encoding: Optional[str], tints: Dict[str, str]
) -> Markup:
    words, tags = sentence["words"], sentence[side]["labels"]
    starts = [sum(len(before) + 1 for before in words[:word]) for word in range(len(words))]
    parts = sorted(parts_of(tags, encoding), key=lambda part: part[1])
    if encoding is None:
        sides = [sentence[each]["labels"] for each in ("gold", "teacher", "student")]
        parts = [part for part in parts if len({each[part[1][0]] for each in sides}) > 1]
    entities = [
        {
            "start": starts[first],
            "end": starts[last] + len(words[last]),
            "label": html.escape(label),
        }
        for label, (first, last) in parts
    ]
    colours = {html.escape(label): tint for label, tint in tints.items()}
    drawing = {"text": " ".join(words), "ents": entities, "title": None}
    return Markup(_slim_entities(_render(drawing, "ent", {"colors": colours})))


def _tree(sentence: Dict[str, Any], side: str, name: str) -> Markup:
    words, gold, ours = sentence["words"], sentence["gold"], sentence[side]
    arcs: List[Dict[str, Any]] = []
    notes = []
    for word, (head, label) in enumerate(zip(ours["heads"], ours["labels"])):
        true = gold["heads"][word], gold["labels"][word]
        notes.append("" if (head, label) == true else _note(words, *true))
        if head > 0:
            ends = sorted((word, head - 1))
            direction = "left" if word < head - 1 else "right"
            arcs.append(
                {"start": ends[0], "end": ends[1], "label": html.escape(label), "dir": direction}
            )
    drawing = {"words": [{"text": w, "tag": n} for w, n in zip(words, notes)], "arcs": arcs}
    options = {
        "compact": True, "distance": DISTANCE, "color": "inherit", "bg": "none", "font": "inherit",
        "arrow_stroke": 1.4, "arrow_width": 6, "word_spacing": 26,
        # displaCy shortens arcs by this for each level; with more, the arcs of deep trees miss
        # their words.
        "arrow_spacing": 3,
    }  # fmt: skip
    svg = _slim(cropped_tree(_render(drawing, "dep", options)))
    # Fixed instead of random ids.
    svg = re.sub(r"[0-9a-f]{32}-0", name, svg)
    return Markup(svg)


def _note(words: Sequence[str], head: int, label: str) -> str:
    note = f"{label} ← {ROOT if head == 0 else words[head - 1]}"
    return html.escape(note if len(note) <= LONGEST_NOTE else f"{note[: LONGEST_NOTE - 1]}…")


def _render(drawing: Dict[str, Any], style: str, options: Dict[str, Any]) -> str:
    """Renders with labels and tags already escaped, because displaCy escapes only words."""
    return displacy.render(
        drawing, style=style, manual=True, page=False, jupyter=False, minify=True, options=options
    )


def _slim_entities(drawing: str) -> str:
    """Keeps only the color of a mark's style; the stylesheet contains the rest."""
    mark = r'(<mark class="entity" style="background: #\w+);[^"]*"'
    drawing = re.sub(mark, r'\1"', drawing)
    return re.sub(r'(<mark class="entity"[^>]*>[^<]*<span) style="[^"]*"', r"\1", drawing)


def _slim(svg: str) -> str:
    """Removes repeated styles of words and arcs, which the stylesheet contains once."""
    svg = re.sub(r'<tspan class="displacy-tag"[^>]*></tspan>', "", svg)
    svg = re.sub(r' (fill="currentColor"|text-anchor="middle"|stroke-width="[^"]*")', "", svg)
    return re.sub(r' (style="font-size: 0\.8em; letter-spacing: 1px"|side="left")', "", svg)
