"""The page that shows what a pipeline finds; no label or word of a pipeline becomes markup on it."""

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


def page_of(**given: Any) -> Tuple[str, Reader]:
    doc = Doc(spacy.blank("en").vocab, words=["A", "dog", "sleeps"], **given)
    page = render_page(doc)
    reader = Reader()
    reader.feed(page)
    return page, reader


def test_the_page_fits_a_phone_and_loads_nothing() -> None:
    page, reader = page_of()
    assert ("name", "viewport") in reader.attributes
    assert "default-src 'none'" in page and "<title>A dog sleeps</title>" in page


def test_tags_are_shown_without_a_tree() -> None:
    page, reader = page_of(tags=["DT", "NN", "VB"], pos=["DET", "NOUN", "VERB"])
    assert "<h2>Tags</h2>" in page and "<h2>Parts of speech</h2>" in page and "<svg" not in page
    assert "dog\n" not in reader.text and "dogNN" in reader.text and "dogNOUN" in reader.text


@pytest.mark.parametrize("pos, shown", [(None, "NN"), (["DET", "NOUN", "VERB"], "NOUN")])
def test_tags_stand_under_the_words_of_a_tree(pos: Any, shown: str) -> None:
    given = {"heads": [1, 2, 2], "deps": ["det", "nsubj", "ROOT"], "tags": ["DT", "NN", "VB"]}
    page, reader = page_of(**given, **({"pos": pos} if pos else {}))
    assert page.count("<svg") == 1 and "<h2>Tags</h2>" not in page
    assert shown in reader.text and "nsubj" in reader.text


def test_spans_that_overlap_are_a_list() -> None:
    doc = Doc(spacy.blank("en").vocab, words=["A", "dog", "sleeps"])
    doc.spans["apart"] = [Span(doc, 2, 3, label="VP"), Span(doc, 0, 2, label="NP")]
    doc.spans["empty"] = []
    page = render_page(doc)
    assert page.count("<mark") == 2 and "<h2>empty</h2>\n<p>A dog sleeps </p>" in page
    doc.spans["overlapping"] = [Span(doc, 0, 2, label="X"), Span(doc, 1, 3, label="Y")]
    page = render_page(doc)
    assert page.count("<mark") == 2 and "[A dog]<sub>X</sub> [dog sleeps]<sub>Y</sub>" in page


def test_a_long_title_ends_at_a_word() -> None:
    page = render_page(Doc(spacy.blank("en").vocab, words=["word"] * 50))
    assert f"<title>{' '.join(['word'] * 11)} …</title>" in page
