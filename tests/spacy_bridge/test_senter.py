"""The component that splits sentences."""

from pathlib import Path
from typing import Any, List

import numpy
import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from spacy_bridge import load_student
from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError, PackageError
from tests.spacy_bridge.archives import parser, tagger
from tests.spacy_bridge.pipelines import TEXTS, packaged
from tests.spacy_bridge.test_components import saying


def splitter(archive_of: Any) -> Path:
    return archive_of(tagger(tags=["S", "I"], label_encoding=None))


def starting_with_capitals(words: List[str]) -> List[str]:
    return ["S" if word[:1].isupper() else "I" for word in words]


@pytest.fixture
def nlp(archive_of: Any) -> Any:
    return load_student(splitter(archive_of))


def sentences(doc: Doc) -> List[str]:
    return [sentence.text.strip() for sentence in doc.sents]


def test_sets_boundaries(nlp: Any) -> None:
    assert nlp.pipe_names == ["senter"] and nlp.get_pipe("senter").labels == ("S", "I")
    saying(nlp, "senter", starting_with_capitals)
    assert sentences(nlp("a cat. Dogs run Yes")) == ["a cat.", "Dogs run", "Yes"]
    for text in TEXTS:
        doc = nlp(text)
        assert doc.text == text
        assert doc.has_annotation("SENT_START", require_complete=True)
    assert sentences(nlp("  \n A cat")) == ["A cat"]  # whitespace does not stand alone
    # Whitespace belongs to the sentence before it.
    assert [len(sentence) for sentence in nlp("A cat  Dogs run").sents] == [3, 2]


def test_blank_lines(nlp: Any) -> None:
    text = "a cat\n\nruns\nfast\n \n\nand far"
    saying(nlp, "senter", lambda words: ["I"] * len(words))
    assert sentences(nlp(text)) == ["a cat", "runs\nfast", "and far"]
    nlp.get_pipe("senter").blank_lines = False
    assert len(list(nlp(text).sents)) == 1


def test_boundaries_that_are_there_are_kept(archive_of: Any) -> None:
    for overwrite, expected in ((False, "1100"), (True, "1010")):
        nlp = load_student(splitter(archive_of), overwrite=overwrite)
        saying(nlp, "senter", lambda words: ["S", "I", "S", "I"])
        doc = Doc(nlp.vocab, words=list("abcd"), sent_starts=[True, True, False, False])
        doc = nlp.get_pipe("senter")(doc)
        assert "".join(str(int(token.is_sent_start)) for token in doc) == expected


@pytest.mark.parametrize("context", [0, 1, 3])
def test_windows_say_what_the_whole_says(archive_of: Any, context: int) -> None:
    """Each word is decided once, in a window that has `context` words on both sides of it."""
    nlp = load_student(splitter(archive_of), max_words=8, context=context)
    seen: List[List[str]] = []
    saying(nlp, "senter", lambda words: (seen.append(words), starting_with_capitals(words))[1])
    for length in range(0, 40):
        words = [f"{'W' if place % 3 == 0 else 'w'}{place}" for place in range(length)]
        seen.clear()
        doc = nlp(Doc(nlp.vocab, words=words))
        starts = [token.i for token in doc if token.is_sent_start]
        assert starts == list(range(0, length, 3))
        assert all(len(window) <= 8 for window in seen)
        assert sorted({word for window in seen for word in window}) == sorted(words)
        for word in words:
            # The words beside it, where a window is cut, in the window that sees most of them.
            beside = [
                min(
                    window.index(word) if number else length,
                    len(window) - 1 - window.index(word) if number + 1 < len(seen) else length,
                )
                for number, window in enumerate(seen)
                if word in window
            ]
            assert max(beside) >= min(context, length)


def test_as_spacy_s_own(nlp: Any, tmp_path: Path) -> None:
    assert nlp.analyze_pipes()["summary"]["senter"]["assigns"] == ["token.is_sent_start"]
    doc = nlp(TEXTS[0])
    example = Example(nlp.make_doc(TEXTS[0]), doc)
    assert nlp.evaluate([example])["sents_f"] == 1.0
    nlp.to_disk(tmp_path / "nlp")
    again = spacy.load(tmp_path / "nlp")
    starts = [[token.is_sent_start for token in pipeline(TEXTS[-1])] for pipeline in (nlp, again)]
    assert numpy.array_equal(*starts)
    load_student(packaged("tagger"), "tagger", nlp=nlp)
    assert nlp.pipe_names == ["senter", "tagger"]
    with pytest.raises(BridgeError, match="both set token.is_sent_start.*leave one of them out"):
        load_student(tmp_path / "nlp", "senter", nlp=nlp, name="other")


def test_packaged_first(archive_of: Any, tmp_path: Path, capsys: Any) -> None:
    path = str(splitter(archive_of))
    command = ["package", str(tmp_path), "--parser", str(archive_of(parser())), "--senter", path,
               "--decoder", "exact"]  # fmt: skip
    assert main(command) == 0
    nlp = spacy.load(tmp_path / "en_students-0.0.0")
    assert nlp.pipe_names == ["senter", "parser"] and not nlp.analyze_pipes()["problems"]["parser"]
    assert nlp(TEXTS[0]).has_annotation("DEP")
    assert main([*command, "--sentences", "sentencizer"]) == 1
    assert "--sentences sentencizer cannot be combined with --senter" in capsys.readouterr().err


def test_what_does_not_fit(archive_of: Any) -> None:
    with pytest.raises(
        PackageError, match="needs a student with the tags S and I, .* found O, B-PER"
    ):
        load_student(packaged("tagger"), "senter")
    for context in (-1, 4):
        with pytest.raises(BridgeError, match=f"less than half of max_words = 8, found {context}"):
            load_student(splitter(archive_of), max_words=8, context=context)
