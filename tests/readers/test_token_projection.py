"""Projecting a treebank's annotation to other tokens."""

import random

import pytest
import spacy

from allennlp_kd.readers.token_projection import (
    SPLIT_LABEL,
    merge_multiword_tokens,
    project,
)
from allennlp_kd.readers.treebank_text import SurfaceToken, TreebankSentence, TreebankWord

# "Va alla casa, non c'è" with the multi-word tokens "alla" (a la) and "c'è" (c' è).
WORDS = [
    TreebankWord("Va", "VERB", "V", 0, "root"),
    TreebankWord("a", "ADP", "E", 4, "case"),
    TreebankWord("la", "DET", "RD", 4, "det"),
    TreebankWord("casa", "NOUN", "S", 1, "obl"),
    TreebankWord(",", "PUNCT", "FF", 7, "punct"),
    TreebankWord("c'", "PRON", "PC", 7, "expl"),
    TreebankWord("è", "VERB", "V", 1, "conj"),
]
TEXT = "Va alla casa, c'è"
TOKENS = [
    SurfaceToken("Va", 0, 2, 0, 0),
    SurfaceToken("alla", 3, 7, 1, 2),
    SurfaceToken("casa", 8, 12, 3, 3),
    SurfaceToken(",", 12, 13, 4, 4),
    SurfaceToken("c'è", 14, 17, 5, 6),
]
SENTENCE = TreebankSentence(TEXT, WORDS, TOKENS, "", True, "here")


def cut(*places):
    """Tokens of the text that begin at these places."""
    ends = [*places[1:], len(TEXT)]
    texts = [(start, TEXT[start:end].rstrip()) for start, end in zip(places, ends)]
    return [(text, start, start + len(text)) for start, text in texts]


def annotation(projection):
    return [(word.form, word.upos, word.head, word.deprel) for word in projection.words]


def test_multiword_tokens_are_merged():
    found = merge_multiword_tokens(SENTENCE)
    assert annotation(found) == [
        ("Va", "VERB", 0, "root"),
        ("alla", "ADP", 3, "case"),
        ("casa", "NOUN", 1, "obl"),
        (",", "PUNCT", 5, "punct"),
        ("c'è", "VERB", 1, "conj"),
    ]
    assert (found.one_to_one, found.merged, found.split) == (3, 2, 0) and not found.is_exact


def test_spacy_s_tokens():
    tokens = [(token.text, token.idx, token.idx + len(token)) for token in spacy.blank("it")(TEXT)]
    assert [text for text, _, _ in tokens] == ["Va", "alla", "casa", ",", "c'", "è"]
    found = project(SENTENCE, tokens)
    assert annotation(found)[4:] == [("c'", "PRON", 6, "expl"), ("è", "VERB", 1, "conj")]
    assert (found.one_to_one, found.merged, found.split) == (5, 1, 0)


def test_tokens_of_several_words_and_words_of_several_tokens():
    found = project(SENTENCE, cut(0, 3, 8, 10, 14))
    assert found is None  # "sa," crosses the word "casa"
    found = project(SENTENCE, cut(0, 3, 8, 10, 12, 14))
    assert annotation(found)[2:4] == [("ca", "NOUN", 1, "obl"), ("sa", "NOUN", 3, SPLIT_LABEL)]
    assert found.words[1].head == 3 and (found.one_to_one, found.merged, found.split) == (2, 2, 2)
    found = project(SENTENCE, cut(0, 3, 8, 14))
    assert annotation(found)[2] == ("casa,", "NOUN", 1, "obl")
    assert project(SENTENCE, cut(0, 3, 4, 8, 12, 14)) is None  # where "a" ends in "alla" is unknown
    assert project(SENTENCE, cut(0, 3, 8, 12)[:-1]) is None  # a part of the text is left out
    assert project(SENTENCE, []) is None


def test_without_a_tree():
    words = [word._replace(head=None, deprel=None) for word in WORDS]
    found = merge_multiword_tokens(SENTENCE._replace(words=words))
    assert [word.upos for word in found.words] == ["VERB", "ADP", "NOUN", "PUNCT", "PRON"]
    assert {word.head for word in found.words} == {None}


def is_tree(heads):
    for node in range(1, len(heads) + 1):
        for _ in heads:
            node = heads[node - 1] if node else 0
        if node:
            return False
    return True


@pytest.mark.parametrize("seed", range(200))
def test_a_tree_stays_a_tree(seed):
    """Random trees over words of one letter, whose text is cut at random."""
    chance = random.Random(seed)
    size = chance.randint(1, 9)
    order = list(range(1, size + 1))
    chance.shuffle(order)
    heads = [0] * size
    for place, word in enumerate(order[1:], start=1):
        heads[word - 1] = chance.choice(order[:place])
    words = [TreebankWord(str(n), "X", "X", head, f"l{n}") for n, head in enumerate(heads)]
    tokens = [SurfaceToken(str(n), n, n + 1, n, n) for n in range(size)]
    sentence = TreebankSentence("0123456789"[:size], words, tokens, "", True, "")
    cuts = [0, *(place for place in range(1, size) if chance.random() < 0.5), size]
    spans = [(sentence.text[a:b], a, b) for a, b in zip(cuts, cuts[1:])]
    found = project(sentence, spans)
    assert [word.form for word in found.words] == [text for text, _, _ in spans]
    new = [word.head for word in found.words]
    assert new.count(0) == 1 and is_tree(new)
    for word, (_, start, end) in zip(found.words, spans):
        # Each label is that of a word of the token whose head is not in the token.
        source = words[int(word.deprel[1:])]
        assert start <= int(source.form) < end
        head = source.head - 1
        assert (word.head == 0 and head < 0) or spans[word.head - 1][1] <= head < spans[
            word.head - 1
        ][2]
