import random

from hypothesis import given, strategies

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.readers.sampling import hash_fraction, interleave, sample

SENTENCES = [Sentence((f"word{number}",)) for number in range(200)]


def test_a_choice_depends_on_words_and_seed_alone():
    found = sample(SENTENCES, 50, seed=1)
    assert found == [each for each in SENTENCES if each in set(found)] and len(found) == 50
    shuffled = random.Random(0).sample(SENTENCES, len(SENTENCES))
    assert set(sample(shuffled, 50, seed=1)) == set(found)
    assert set(sample(SENTENCES, 60, seed=1)) > set(found)
    assert set(sample(SENTENCES, 50, seed=2)) != set(found)
    assert sample(SENTENCES, 500, seed=1) == SENTENCES


def test_the_same_sentence_may_be_chosen_twice():
    assert sample(SENTENCES[:1] * 3, 2, seed=1) == SENTENCES[:1] * 2


@given(
    strategies.lists(strategies.integers(), max_size=8),
    strategies.lists(strategies.text(), max_size=8),
)
def test_parts_keep_their_order_and_are_spread(one, other):
    found = list(interleave(one, other))
    assert [each for each in found if isinstance(each, int)] == one
    assert [each for each in found if isinstance(each, str)] == other
    for cut in range(len(found) + 1):
        share = sum(isinstance(each, int) for each in found[:cut])
        assert abs(share - cut * len(one) / max(len(found), 1)) <= 1


def test_places_are_spread_over_the_interval():
    places = [hash_fraction(each) for each in SENTENCES]
    assert 0 <= min(places) < 0.1 and 0.9 < max(places) < 1
    assert 70 < sum(each < 0.5 for each in places) < 130
