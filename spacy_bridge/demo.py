"""Renders a page with a pipeline's annotation of a text."""

import html
import textwrap
from typing import Any, Dict, Iterator, List, Sequence

from spacy import displacy
from spacy.tokens import Doc, Span

from spacy_bridge.drawing import TINTS, cropped_tree

_STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --ink: #222; --soft: #5c5c5c; --line: #d9d9d4; --shadow: #0003; }
@media (prefers-color-scheme: dark) {
  :root { --page: #16181b; --ink: #e8e8e6; --soft: #a9adb2; --line: #3a3f45; --shadow: #fff4; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1rem; max-width: 76rem; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
.entities { line-height: 2 !important; }
mark.entity { color: #1a1a1a; padding: .2em .4em !important; margin: 0 .1em !important; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.word { display: inline-block; margin: 0 .6rem .6rem 0; text-align: center; line-height: 1.3; }
.word small { display: block; color: var(--soft); }
/* A shadow at an edge says that there is more to scroll to. */
.tree {
  overflow-x: auto; margin: .5rem 0;
  background:
    linear-gradient(to right, var(--page) 30%, transparent) left / 2rem 100% no-repeat local,
    linear-gradient(to left, var(--page) 30%, transparent) right / 2rem 100% no-repeat local,
    linear-gradient(to right, var(--shadow), transparent) left / .6rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shadow), transparent) right / .6rem 100% no-repeat scroll;
}
svg.displacy { display: block; }
"""

# The browser is told to load nothing from anywhere.
_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""

_TREES = {
    "compact": True, "distance": 110, "color": "inherit", "bg": "none", "font": "inherit",
    # displaCy shortens arcs by it for each level: with more of it deep trees' arcs miss words.
    "arrow_spacing": 3, "arrow_stroke": 1.4, "arrow_width": 6, "word_spacing": 26,
}  # fmt: skip


def render_page(doc: Doc) -> str:
    """Renders the entities, span groups, tags and trees of a doc as an HTML page."""
    if len(doc):
        parts = [*_entities(doc), *_spans(doc), *(_trees(doc) or _tags(doc))]
    else:
        parts = ["<p>The text has no words.</p>"]
    title = html.escape(textwrap.shorten(doc.text, 60, placeholder=" …")) or "Empty text"
    return _PAGE.format(
        lang=html.escape(doc.lang_), title=title, style=_STYLE, body="\n".join(parts)
    )


def _entities(doc: Doc) -> Iterator[str]:
    if doc.has_annotation("ENT_IOB"):
        yield "<h2>Entities</h2>"
        # Without entities displaCy warns.
        yield _render(displacy.parse_ents(doc), "ent") if doc.ents else _text(doc)


def _spans(doc: Doc) -> Iterator[str]:
    for key, spans in doc.spans.items():
        yield f"<h2>{html.escape(key)}</h2>"
        found = sorted(spans, key=lambda span: span.start)
        if not found:
            yield _text(doc)
        elif any(first.end > second.start for first, second in zip(found, found[1:])):
            yield _list(found)
        else:
            ents = [
                {"start": span.start_char, "end": span.end_char, "label": span.label_}
                for span in found
            ]
            yield _render({"text": doc.text, "ents": ents}, "ent")


def _text(doc: Doc) -> str:
    return f"<p>{html.escape(doc.text)}</p>"


def _list(spans: Sequence[Span]) -> str:
    """Spans that overlap, one after the other."""
    found = (f"[{html.escape(span.text)}]<sub>{html.escape(span.label_)}</sub>" for span in spans)
    return f"<p>{' '.join(found)}</p>"


def _trees(doc: Doc) -> List[str]:
    """The trees, with universal parts of speech under the words or, without these, tags."""
    if not doc.has_annotation("DEP"):
        return []
    options = {"fine_grained": not doc.has_annotation("POS")}
    return [
        "<h2>Trees</h2>",
        *(
            '<div class="tree" tabindex="0" role="region" aria-label="Dependency tree">'
            f"{cropped_tree(_render(displacy.parse_deps(sentence.as_doc(), options), 'dep'))}</div>"
            for sentence in doc.sents
        ),
    ]


def _tags(doc: Doc) -> Iterator[str]:
    """Tags and parts of speech under the words."""
    for attribute, title in (("TAG", "Tags"), ("POS", "Parts of speech")):
        if doc.has_annotation(attribute):
            name = f"{attribute.lower()}_"
            words = (
                f'<span class="word">{html.escape(token.text)}'
                f"<small>{html.escape(getattr(token, name))}</small></span>"
                for token in doc
                if not token.is_space
            )
            yield f"<h2>{title}</h2>\n<p>{' '.join(words)}</p>"


def _render(parsed: Dict[str, Any], style: str) -> str:
    """Draws with displaCy, which escapes words and text, but neither labels nor tags."""
    parsed = {**parsed, "title": html.escape(parsed.get("title") or "")}
    for part in ("ents", "words", "arcs"):
        parsed[part] = [
            {
                key: html.escape(value) if isinstance(value, str) and key != "text" else value
                for key, value in entry.items()
            }
            for entry in parsed.get(part, ())
        ]
    labels = sorted({entry["label"] for entry in parsed["ents"]})
    tints = {label: TINTS[place % len(TINTS)] for place, label in enumerate(labels)}
    options = _TREES if style == "dep" else {"colors": tints}
    return displacy.render(
        parsed, style=style, page=False, jupyter=False, manual=True, options=options
    )
