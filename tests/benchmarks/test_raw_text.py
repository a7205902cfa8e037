"""The evaluation from raw text, by hand and by brute force."""

import itertools
import json
import random
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc
from spacy.training import Example

from allennlp_kd.readers.treebank_text import documents
from benchmarks import __main__ as entry
from benchmarks.measures.raw_text_analyses import of_doc, of_treebank
from benchmarks.measures.raw_text_scores import Word, _common, align, evaluate
from tests.readers.test_treebank_text import TREEBANK
from tests.spacy_bridge.archives import make_archive, parser, tagger


@pytest.fixture
def gold(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    return [of_treebank(document) for document in documents(path)][:1]  # the second has no trees


def doc_of(words, heads, deps, pos, starts, spaces):
    nlp = spacy.blank("it")
    doc = Doc(nlp.vocab, words=words, heads=heads, deps=deps, pos=pos, spaces=spaces)
    assert [token.i for token in doc if token.is_sent_start] == starts
    return of_doc(doc)


def test_a_treebank_against_itself(gold):
    assert set(evaluate(zip(gold, gold)).values()) == {100.0}
    (analysis,) = gold
    assert analysis.tokens[:3] == [(0, 2), (2, 6), (6, 10)]
    assert [word.span for word in analysis.words[:3]] == [(0, 2), (2, 6), (2, 6)]
    assert analysis.sentences == [(0, 14), (14, 19)]
    assert [word.head for word in analysis.words] == [-1, 3, 3, 0, 5, 0, 0, -1, 7]


def test_by_hand(gold):
    """ "alla" stays one token, one head and one label are wrong, and the sentences are split too late."""
    system = doc_of(
        ["Va", "alla", "casa", ",", "sì", ".", "\n\n", "Bene", "!"],
        [0, 2, 0, 0, 0, 0, 5, 0, 7],
        ["ROOT", "case", "obj", "punct", "discourse:x", "punct", "dep", "conj", "punct"],
        ["VERB", "ADP", "NOUN", "PUNCT", "INTJ", "PUNCT", "SPACE", "ADV", "X"],
        [0],
        [True, True, False, True, False, False, False, False, False],
    )
    found = evaluate([(gold[0], system)])
    # 8 tokens on both sides; 9 words of gold and 8 of the system, 7 of them aligned: all but "a", "la", "alla".
    assert found["tokens"] == 100.0
    assert found["sentences"] == 0.0
    assert found["words"] == pytest.approx(200 * 7 / 17)
    assert found["UPOS"] == pytest.approx(200 * 6 / 17)  # "!" is wrong
    # Heads: Va, casa, sì, ".", "!" are right; "," hangs from another word, and Bene is no root.
    assert found["UAS"] == pytest.approx(200 * 5 / 17)
    assert found["LAS"] == pytest.approx(200 * 4 / 17)  # "casa" is no obj; subtypes do not count


@pytest.mark.parametrize("seed", range(50))
def test_longest_common_subsequences(seed):
    chance = random.Random(seed)
    one, other = ([chance.choice("abc") for _ in range(chance.randint(0, 7))] for _ in range(2))
    found = _common(one, other)
    assert all(one[a] == other[b] for a, b in found)
    assert all(a < c and b < d for (a, b), (c, d) in zip(found, found[1:]))

    def subsequences(items):
        for size in range(len(items) + 1):
            yield from itertools.combinations(items, size)

    best = max(len(items) for items in set(subsequences(one)) & set(subsequences(other)))
    assert len(found) == best


def words_of(text, cuts, groups):
    """Words of single characters or more; those of a group share the span of all."""
    spans = list(zip([0, *cuts], [*cuts, len(text)]))
    words, place = [], 0
    for size in groups:
        members = spans[place : place + size]
        place += size
        span = (members[0][0], members[-1][1])
        words += [Word(text[a:b], span, size > 1, None, None, -1, None) for a, b in members]
    return words


@pytest.mark.parametrize("seed", range(100))
def test_alignment(seed):
    """Pairs rise on both sides; outside of multi-word tokens they are the words of equal spans, all of them."""
    chance = random.Random(seed)
    text = "".join(chance.choice("ab") for _ in range(12))
    sides = []
    for _ in range(2):
        cuts = sorted(chance.sample(range(1, 12), chance.randint(0, 8)))
        left, groups = len(cuts) + 1, []
        while left:
            groups.append(min(left, chance.choice([1, 1, 1, 2, 3])))
            left -= groups[-1]
        sides.append(words_of(text, cuts, groups))
    gold, system = sides
    pairs = align(gold, system)
    assert all(a < c and b < d for (a, b), (c, d) in zip(pairs, pairs[1:]))
    for a, b in pairs:
        if not gold[a].multiword and not system[b].multiword:
            assert gold[a].form.lower() == system[b].form.lower()
    alone = [word.span for words in sides for word in words if word.multiword]
    for a, one in enumerate(gold):
        for b, other in enumerate(system):
            inside = any(s < one.span[1] and one.span[0] < e for s, e in alone)
            if one.span == other.span and not inside:
                assert (a, b) in pairs
    assert align(gold, gold) == [(place, place) for place in range(len(gold))]


@pytest.mark.slow
def test_runs(tmp_path, monkeypatch):
    data = tmp_path / "data" / "ud_english_ewt"
    data.mkdir(parents=True)
    (data / "test.conllu").write_text(
        TREEBANK.partition("# newdoc id = second")[0], encoding="utf-8"
    )
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path / "data"))
    students = tmp_path / "students" / "raw_text" / "ud_english_ewt"
    students.mkdir(parents=True)
    monkeypatch.setenv("ALLENNLP_KD_STUDENTS", str(tmp_path / "students"))
    output = tmp_path / "out.json"
    command = ["raw_text", "--quick", "--output", str(output)]
    assert entry.main(command) == 0 and not output.exists()  # no data
    configs = {
        "parser": parser(),
        "senter": tagger(tags=["S", "I"], label_encoding=None),
        "pos": tagger(tags=["NOUN", "VERB", "X"], label_encoding=None),
    }
    for kind, config in configs.items():
        Path(make_archive(tmp_path / kind, config)).rename(students / f"{kind}.tar.gz")
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(students / "spacy")
    splitter = spacy.blank("en")
    splitter.add_pipe("senter")
    doc = Doc(splitter.vocab, words=["a", "b"], sent_starts=[True, False])
    splitter.initialize(lambda: [Example(doc, doc)])
    splitter.to_disk(students / "spacy_senter")
    (students / "about.json").write_text('{"parser": "random weights"}', encoding="utf-8")
    assert entry.main(command) == 0
    found = json.loads(output.read_text())
    column = found["medians"]["ud_english_ewt, packaged students"]
    assert column["tokens"] > 90 and set(column) >= {"sentences", "UPOS", "UAS", "LAS", "words/s"}
    assert found["notes"]["ud_english_ewt"]["packaged students"] == ["senter", "pos", "parser"]
    assert set(found["medians"]["ud_english_ewt, kd_senter alone"]) == {"sentences", "words/s"}
    names = [target["name"].partition(", ")[2] for target in found["targets"]]
    assert names == [
        "packaged students: LAS ahead of spaCy",
        "packaged students: speed over spaCy",
        "packaged students, int8: LAS ahead of spaCy",
        "packaged students, int8: speed over spaCy",
        "kd_senter alone: sentence F1 ahead of spaCy's senter alone",
        "kd_senter alone: speed over spaCy's senter alone",
        "kd_senter alone, int8: sentence F1 ahead of spaCy's senter alone",
        "kd_senter alone, int8: speed over spaCy's senter alone",
    ]
    assert found["notes"]["ud_english_ewt, models"] == {"parser": "random weights"}
