"""Nothing that a pipeline says becomes markup on the page that shows it."""

from html.parser import HTMLParser
from typing import Any, List, Tuple

import pytest
import spacy
from spacy.tokens import Doc, Span

from spacy_bridge.demo import render_page

SCRIPT = "<script>alert(1)</script>"
ATTRIBUTE = '" onload="alert(2)'


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: List[str] = []
        self.attributes: List[Tuple[str, Any]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        self.attributes += attributes

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.attack("markup in labels", "page")
def test_labels_words_and_names_are_text() -> None:
    vocab = spacy.blank("en").vocab
    doc = Doc(
        vocab, words=[SCRIPT, ATTRIBUTE, "c"], heads=[1, 1, 1], deps=[SCRIPT, "ROOT", ATTRIBUTE],
        pos=["NOUN", "VERB", "X"], tags=[SCRIPT] * 3,
    )  # fmt: skip
    doc.ents = [Span(doc, 0, 1, label=SCRIPT, kb_id=SCRIPT), Span(doc, 1, 2, label=ATTRIBUTE)]
    doc.spans[SCRIPT] = [Span(doc, 0, 2, label=SCRIPT)]
    doc.user_data["title"] = SCRIPT
    page = render_page(doc)
    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags and "<script" not in page.lower()
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert reader.text.lower().count(SCRIPT) >= 5
