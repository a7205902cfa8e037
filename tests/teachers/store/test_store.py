import numpy
import pytest
import torch
from allennlp.common.checks import ConfigurationError

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.chain import with_marginals
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.store.store_scorer import StoreScorer
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.teachers.archive.test_archive import SENTENCES, collated

KEYS = [Sentence(words) for words in SENTENCES]


@pytest.fixture
def store(tagger_archive, tmp_path) -> StoreTeacher:
    return StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(tagger_archive))


@pytest.mark.parametrize("dtype,tolerance", [("float32", 1e-6), ("float16", 2e-3)])
def test_scores_equal_the_live_teachers(dtype, tolerance, tagger_archive, tmp_path):
    live = ArchiveTeacher(tagger_archive)
    expected = live.potentials(collated(live)["value"])
    StoreTeacher(str(tmp_path / "store"), live, dtype=dtype).fill(KEYS)
    stored = StoreTeacher(str(tmp_path / "store"))
    found = stored.potentials(collated(stored)["value"])
    assert torch.equal(found.mask, expected.mask)
    assert (stored.labels, stored.structure) == (live.labels, "chain")
    words = expected.mask
    torch.testing.assert_close(
        found.emissions[words], expected.emissions[words], rtol=tolerance, atol=tolerance
    )
    for name in ("transitions", "start", "end"):
        torch.testing.assert_close(getattr(found, name), getattr(expected, name), rtol=0, atol=0)


def test_what_is_there_is_not_scored_again(store, monkeypatch):
    assert store.fill(KEYS[:2]) == 2
    assert store.fill(KEYS) == 1
    monkeypatch.setattr(ArchiveTeacher, "_open", lambda self: pytest.fail("the network is built"))
    complete = StoreTeacher(store.directory, ArchiveTeacher(store._source.archive_file))
    assert complete.fill(KEYS) == 0
    assert len(complete.labels) > 1
    complete.potentials(collated(complete)["value"])


def test_tags_are_part_of_the_key_where_the_teacher_takes_them(store, monkeypatch):
    assert store.fill([Sentence(("a", "cat"), ("D", "N")), Sentence(("a", "cat"))]) == 1
    assert store.fill([Sentence(("a", "cat"), ("D", "V"))]) == 0
    taking = StoreTeacher(store.directory + "2", ArchiveTeacher(store._source.archive_file))
    description = taking._source.description()
    monkeypatch.setattr(taking._source, "description", lambda: {**description, "takes_tags": True})
    assert (
        taking.fill([Sentence(("a", "cat"), ("D", "N")), Sentence(("a", "cat"), ("D", "V"))]) == 2
    )


def test_float32_equals_the_scores_of_the_same_batch(store):
    live = ArchiveTeacher(store._source.archive_file)
    expected = live.potentials(collated(live, SENTENCES[:1])["value"])
    store.fill(KEYS[:1])
    found = store.potentials(collated(store, SENTENCES[:1])["value"])
    assert torch.equal(found.emissions, expected.emissions)


class TestMarginals:
    @pytest.fixture
    def with_them(self, tagger_archive, tmp_path) -> StoreTeacher:
        found = StoreTeacher(str(tmp_path / "full"), ArchiveTeacher(tagger_archive), marginals=True)
        found.fill(KEYS)
        return found

    def test_are_those_of_the_live_teacher(self, with_them, monkeypatch):
        live = ArchiveTeacher(with_them._source.archive_file)
        assert "marginals" in live.provides
        potentials = live.potentials(collated(live)["value"])
        monkeypatch.setattr(
            "allennlp_kd.teachers.store.store_scorer.with_marginals",
            lambda _: pytest.fail("computed again"),
        )
        stored = StoreTeacher(with_them.directory)
        assert stored.provides == {"marginals"}
        found = stored.potentials(collated(stored)["value"])
        words = potentials.mask
        expected = with_marginals(potentials).marginals
        torch.testing.assert_close(found.marginals[words], expected[words])
        torch.testing.assert_close(found.emissions[words], potentials.emissions[words])
        # What the header says is filled in also by one who does not ask for them.
        again = StoreTeacher(with_them.directory, live)
        monkeypatch.undo()
        again.fill([Sentence(("another",))])
        assert set(again._open().read(again.key(Sentence(("another",))))) == {
            "emissions",
            "marginals",
        }

    def test_take_as_much_again(self, with_them, store):
        new = [Sentence(("a", "new", "one"))]
        plain, full = store.need(new), with_them.need(new)
        tags = len(store.labels)
        assert full.size - plain.size == 4 * 3 * tags

    def test_are_not_there_by_default(self, store):
        store.fill(KEYS)
        assert store.provides == frozenset()
        assert "marginals" not in store._open().header
        assert store.potentials(collated(store)["value"]).marginals is None
        for source in (None, store._source):
            asking = StoreTeacher(store.directory, source, marginals=True)
            with pytest.raises(
                ConfigurationError, match="has no marginals .its structure is chain.: they can"
            ):
                assert asking.provides


def test_a_mixed_batch(store):
    from allennlp_kd.fields.optional_field import OptionalField

    store.fill(KEYS)
    whole = collated(store)["value"]
    fields = [OptionalField(None), OptionalField(None)]
    assert fields[0].batch_tensors([field.as_tensor({}) for field in fields]) is None
    assert whole["words"].tolist() == [3, 1, 5]


class TestErrors:
    def test_missing_sentences_without_a_teacher(self, store):
        store.fill(KEYS[:1])
        with pytest.raises(
            ConfigurationError, match="2 sentences are not in the store .*'unheard'.*kd-score"
        ):
            collated(StoreTeacher(store.directory))

    def test_another_teacher(self, store, other_tagger_archive):
        store.fill(KEYS[:1])
        other = StoreTeacher(store.directory, ArchiveTeacher(other_tagger_archive))
        with pytest.raises(ConfigurationError, match="another fingerprint: expected .*, found "):
            other.fill(KEYS)

    def test_what_a_live_teacher_has_read(self, store):
        with pytest.raises(
            ConfigurationError, match=r"a teacher of another type \(with tokens, sentence\): "
        ):
            store.potentials({"tokens": {}, "sentence": ["the cat"]})

    def test_what_was_read_from_a_store_of_another_teacher(
        self, store, other_tagger_archive, tmp_path
    ):
        """They have the same labels, and other transitions."""
        other = StoreTeacher(str(tmp_path / "other"), ArchiveTeacher(other_tagger_archive))
        inputs = collated(other)["value"]
        assert other.labels == store.labels
        message = "belongs to another teacher .fingerprint .*must be the same"
        with pytest.raises(ConfigurationError, match=message) as found:
            store.potentials(inputs)
        assert other._source.fingerprint in str(found.value)
        assert store._source.fingerprint in str(found.value)
        # A copy, or one of the other type, is of the same teacher.
        half = StoreTeacher(str(tmp_path / "half"), store._source, dtype="float16")
        assert store.potentials(collated(half)["value"]).mask.any()

    def test_another_dtype(self, store):
        store.fill(KEYS[:1])
        other = StoreTeacher(store.directory, store._source, dtype="float16")
        with pytest.raises(
            ConfigurationError, match="another dtype: expected float16, found float32"
        ):
            other.fill(KEYS)

    def test_no_store(self, tmp_path):
        with pytest.raises(ConfigurationError, match="the store .* does not exist"):
            StoreTeacher(str(tmp_path / "nothing")).labels

    def test_unknown_dtype(self, tmp_path):
        with pytest.raises(
            ConfigurationError, match="dtype must be one of float32, float16, found 'int8'"
        ):
            StoreTeacher(str(tmp_path), dtype="int8")

    @pytest.mark.parametrize(
        "value,message",
        [
            (float("nan"), "scores of 'unheard' contain NaN or an infinity"),
            (1e6, "scores of 'unheard' reach 1e\\+06, too large for float16: use dtype 'float32'"),
        ],
    )
    def test_scores_that_are_no_numbers(
        self, value, message, tagger_archive, tmp_path, monkeypatch
    ):
        live = ArchiveTeacher(tagger_archive)
        scored = live.potentials

        def broken(inputs):
            found = scored(inputs)
            found.emissions[0, 0, 0] = value
            return found

        monkeypatch.setattr(live, "potentials", broken)
        store = StoreTeacher(str(tmp_path / "store"), live, dtype="float16")
        with pytest.raises(ValueError, match=message):
            store.fill(KEYS)
        assert not list((tmp_path / "store").glob("*.shard"))

    def test_a_damaged_entry(self, store):
        store.fill(KEYS)
        (shard,) = store._open().path.glob("*.shard")
        content = bytearray(shard.read_bytes())
        content[-1] ^= 1
        shard.write_bytes(content)
        damaged = StoreTeacher(store.directory)
        with pytest.raises(ConfigurationError, match=f"{shard.name} is damaged"):
            collated(damaged)


def test_a_killed_scorer_leaves_what_it_has_written(store, monkeypatch):
    monkeypatch.setattr(StoreTeacher, "SHARD", 1)
    store._batch_size = 1
    scored = StoreScorer._score
    calls = []

    def killed(self, sentences):
        calls.append(sentences)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return scored(self, sentences)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StoreScorer, "_score", killed)
        store.fill(KEYS)
    again = StoreTeacher(store.directory, store._source)
    assert again.fill(KEYS) == 1
    arrays = again._open().read(KEYS[0].key)
    assert numpy.isfinite(arrays["emissions"]).all()
