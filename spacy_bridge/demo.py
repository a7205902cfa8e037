"""A page that shows what a pipeline finds in a text."""

import html
from typing import Any, Dict, List

from spacy import displacy
from spacy.tokens import Doc

_PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head><meta charset="utf-8"><title>{title}</title>
<style>body {{ font-family: sans-serif; margin: 2em; }} .tree {{ overflow-x: auto; }}</style></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def render_page(doc: Doc) -> str:
    """HTML with the entities, the chunks and the trees of a doc, of those which it has."""
    parts: List[str] = []
    if doc.has_annotation("ENT_IOB"):
        parts.append("<h2>Entities</h2>")
        none = f"<p>{html.escape(doc.text)}</p>"  # of which displaCy would warn
        parts.append(_render(displacy.parse_ents(doc), "ent") if doc.ents else none)
    for key, spans in doc.spans.items():
        parts.append(f"<h2>{html.escape(key)}</h2><p>")
        parts.append(
            " ".join(
                f"[{html.escape(span.text)}]<sub>{html.escape(span.label_)}</sub>" for span in spans
            )
        )
        parts.append("</p>")
    if doc.has_annotation("DEP"):
        parts.append("<h2>Trees</h2>")
        for sentence in doc.sents:
            tree = _render(displacy.parse_deps(sentence.as_doc()), "dep")
            parts.append(f'<div class="tree">{tree}</div>')
    title = html.escape(" ".join(doc.text.split())[:60]) or "Nothing"
    return _PAGE.format(lang=html.escape(doc.lang_), title=title, body="\n".join(parts))


def _render(parsed: Dict[str, Any], style: str) -> str:
    """displaCy's drawing; of what it gets it escapes the text alone, neither labels nor tags."""
    parsed = {**parsed, "title": html.escape(parsed.get("title") or "")}
    for part in ("ents", "words", "arcs"):
        parsed[part] = [
            {
                key: html.escape(value) if isinstance(value, str) and key != "text" else value
                for key, value in entry.items()
            }
            for entry in parsed.get(part, ())
        ]
    return displacy.render(
        parsed, style=style, page=False, jupyter=False, manual=True, options={"compact": True}
    )
