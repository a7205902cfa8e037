"""The features of words and their hashes."""

import numpy
import pytest
from hypothesis import given, strategies as st
from spacy.lang.lex_attrs import word_shape as spacy_word_shape

from spacy_bridge.runtime.words.word_features import (
    DEFAULT_FEATURES,
    WordFeatureHashes,
    feature_function,
    word_shape,
)


def values_of(word):
    return {name: feature_function(name)(word) for name in DEFAULT_FEATURES}


def test_features_of_a_word():
    assert values_of("Reuters'2") == {
        "lower": "reuters'2",
        "form": "Reuters'2",
        "prefix1": "R",
        "prefix3": "Reu",
        "suffix2": "'2",
        "suffix3": "s'2",
        "suffix4": "rs'2",
        "shape": "Xxxxx'd",
    }
    assert values_of("a")["suffix3"] == values_of("a")["prefix3"] == "a"


@given(st.text(max_size=120))
def test_the_shape_is_spacys(word):
    assert word_shape(word) == spacy_word_shape(word)


def murmur3(data: bytes, seed: int) -> int:
    """MurmurHash3_x86_32, as its author published it (public domain)."""

    def rotated(number: int, by: int) -> int:
        return ((number << by) | (number >> (32 - by))) & 0xFFFFFFFF

    def mixed(number: int) -> int:
        number = (number * 0xCC9E2D51) & 0xFFFFFFFF
        return (rotated(number, 15) * 0x1B873593) & 0xFFFFFFFF

    state, whole = seed, len(data) // 4 * 4
    for start in range(0, whole, 4):
        state ^= mixed(int.from_bytes(data[start : start + 4], "little"))
        state = (rotated(state, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    if len(data) > whole:
        state ^= mixed(int.from_bytes(data[whole:], "little"))
    state ^= len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        state ^= state >> shift
        state = (state * factor) & 0xFFFFFFFF
    return state ^ (state >> 16)


@given(st.text(alphabet=st.characters(), max_size=20))
def test_hashes_are_murmurhash3_of_each_feature(word):
    expected = [
        murmur3(value.encode("utf-8", errors="surrogatepass"), seed) + 1
        for value in values_of(word).values()
        for seed in (0, 1)
    ]
    hashes = WordFeatureHashes()(word)
    assert hashes == expected
    assert all(1 <= number <= 2**32 for number in hashes)


def test_hashes_never_change():
    """Students on disk depend on these numbers: in each process, on each platform and stack."""
    hashes = WordFeatureHashes(["lower", "suffix2"])
    assert hashes("Cat") == [1751422760, 2102493672, 4261826500, 1606128093]
    assert hashes("été") == [865297936, 4021295235, 3447925517, 1511983447]


def test_many_words_at_once():
    hashes = WordFeatureHashes(["form", "shape"])
    found = hashes.many(["a", "Bc", ""])
    assert found.dtype == numpy.int64
    assert found.tolist() == [hashes("a"), hashes("Bc"), hashes("")]
    assert hashes.many([]).shape == (0, 4)


def test_a_lone_surrogate_is_hashed():
    hashes = WordFeatureHashes()
    assert hashes("\ud800") != hashes("\ud801")


@pytest.mark.parametrize("name", ["suffix0", "suffix", "prefix-1", "norm", "lower1", ""])
def test_an_unknown_feature_is_named(name):
    with pytest.raises(ValueError, match=f"unknown word feature '{name}': expected lower, form"):
        WordFeatureHashes(["lower", name])


@pytest.mark.parametrize("features", [[], ["form", "form"]])
def test_features_are_named_once(features):
    with pytest.raises(ValueError, match="at least one word feature and no duplicates, found "):
        WordFeatureHashes(features)
