"""Text without gold beside text with it, in the `distillation` reader."""

from copy import deepcopy
from typing import List

import allennlp_models.structured_prediction  # noqa: F401 (registers readers)
import allennlp_models.tagging  # noqa: F401 (registers readers)
import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, DatasetReader, Token, Vocabulary
from allennlp.data.data_loaders import MultiProcessDataLoader
from allennlp.data.samplers import BucketBatchSampler

import allennlp_kd.readers.conllu_tagging_reader  # noqa: F401 (registers it)
import allennlp_kd.readers.distillation_reader  # noqa: F401 (registers it)
import allennlp_kd.readers.plain_text_reader  # noqa: F401 (registers it)
import tests.teachers.archive.own_readers  # noqa: F401 (registers readers)
from allennlp_kd.readers.transfer_paths import TransferPaths

TREE = "{number}\t{word}\t_\tX\tX\t_\t{head}\troot\t_\t_\n"


@pytest.fixture
def paths(tmp_path):
    (tmp_path / "gold.txt").write_text("".join(f"gold{n} X B-NP\nis X O\n\n" for n in range(10)))
    (tmp_path / "raw.txt").write_text("".join(f"raw{n} isn't annotated\n" for n in range(40)))
    (tmp_path / "more.txt").write_text("more text\n" * 5)
    return {"labelled": str(tmp_path / "gold.txt"), "unlabelled": str(tmp_path / "raw.txt")}


def reader(**options) -> DatasetReader:
    config = {
        "type": "distillation",
        "reader": {"type": "conll2000"},
        "unlabelled_reader": {"type": "plain_text"},
        "teacher_inputs": True,
        **options,
    }
    return DatasetReader.from_params(Params(deepcopy(config)))  # to build one uses it up


def firsts(instances):
    return [each["tokens"].tokens[0].text for each in instances]


def test_all_of_both_spread_evenly(paths):
    found = list(reader().read(paths))
    names = firsts(found)
    assert [n for n in names if n.startswith("gold")] == [f"gold{n}" for n in range(10)]
    assert [n for n in names if n.startswith("raw")] == [f"raw{n}" for n in range(40)]
    for start in range(0, 50, 5):
        assert sum(name.startswith("gold") for name in names[start : start + 5]) == 1
    assert found[names.index("raw0")]["tokens"].tokens[2].text == "n't"
    for name, instance in zip(names, found):
        assert (instance["tags"].field is None) == name.startswith("raw")


def test_several_files(paths, tmp_path):
    both = {**paths, "unlabelled": [paths["unlabelled"], str(tmp_path / "more.txt")]}
    names = firsts(reader().read(both))
    assert len(names) == 55 and names.count("more") == 5
    assert firsts(reader().read(Params(both))) == names


def test_no_more_of_a_file_than_its_reader_may(paths, tmp_path):
    both = {**paths, "unlabelled": [paths["unlabelled"], str(tmp_path / "more.txt")]}
    capped = {"type": "conll2000", "max_instances": 3}
    text = {"type": "plain_text", "max_instances": 4}
    names = firsts(reader(reader=capped, unlabelled_reader=text).read(both))
    assert names.count("more") == 4 and sum(name.startswith("raw") for name in names) == 4
    assert [name for name in names if name.startswith("gold")] == ["gold0", "gold1", "gold2"]
    assert len(names) == 3 + 2 * 4
    annotated = {"labelled": paths["labelled"], "unlabelled": paths["labelled"]}
    found = list(reader(reader=capped, unlabelled_reader=None).read(annotated))
    assert len(found) == 3 + 3
    # Which of them are chosen is chosen among those.
    names = firsts(reader(reader=capped, unlabelled_reader=text, unlabelled_ratio=1).read(paths))
    assert {name for name in names if name.startswith("raw")} <= {f"raw{n}" for n in range(4)}
    assert len(names) == 6


def test_other_paths_are_read_as_ever(paths):
    found = list(reader(unlabelled_ratio=2).read(paths["labelled"]))
    assert firsts(found) == [f"gold{n}" for n in range(10)]


class TestRatio:
    @pytest.mark.parametrize("ratio,expected", [(0.5, 5), (1, 10), (2.04, 20), (4, 40)])
    def test_of_the_labelled_sentences(self, ratio, expected, paths):
        names = firsts(reader(unlabelled_ratio=ratio).read(paths))
        assert sum(name.startswith("raw") for name in names) == expected
        assert firsts(reader(unlabelled_ratio=ratio).read(paths)) == names

    def test_another_seed_chooses_others(self, paths):
        one, other = (
            firsts(reader(unlabelled_ratio=1, unlabelled_seed=seed).read(paths)) for seed in (1, 2)
        )
        assert len(one) == len(other) and set(one) != set(other)

    def test_more_than_there_are(self, paths):
        with pytest.raises(
            ConfigurationError,
            match="unlabelled_ratio 5 asks for 50 unlabeled sentences for 10 labeled ones, "
            "but .*raw.txt have 40: lower it",
        ):
            list(reader(unlabelled_ratio=5).read(paths))

    @pytest.mark.parametrize("ratio", [0, -1, float("inf"), float("nan")])
    def test_outside_of_the_range(self, ratio):
        with pytest.raises(ConfigurationError, match=f"must be greater than 0, found {ratio}"):
            reader(unlabelled_ratio=ratio)


def test_words_count_for_the_vocabulary(paths):
    vocab = Vocabulary.from_instances(reader().read(paths))
    assert {"raw7", "gold7"} <= set(vocab.get_token_to_index_vocabulary("tokens"))
    assert set(vocab.get_token_to_index_vocabulary("labels")) == {"B-NP", "O"}


def test_batches_mix_both(paths):
    built = reader()
    loader = MultiProcessDataLoader(
        built, paths, batch_sampler=BucketBatchSampler(batch_size=7, sorting_keys=["tokens"])
    )
    loader.index_with(Vocabulary.from_instances(loader.iter_instances()))
    batches = list(loader)
    given = [0 if batch["tags"] is None else len(batch["tags"]["rows"]) for batch in batches]
    assert sum(given) == 10 and 0 in given
    mixed = Batch(list(built.read(paths))[:6])
    mixed.index_instances(loader._vocab)
    tags = mixed.as_tensor_dict()["tags"]
    assert tags["rows"].tolist() == [2] and tags["value"].shape == (1, 2)


def test_without_labelled_text(paths):
    found = list(reader().read({"unlabelled": paths["unlabelled"]}))
    assert len(found) == 40 and "tags" not in found[0].fields


def test_outside_of_training_there_is_no_field_of_gold(paths):
    found = list(reader(teacher_inputs=False).read(paths))
    assert len(found) == 50 and sum("tags" in each.fields for each in found) == 10


def test_annotated_text_without_its_annotation(paths):
    both = {"labelled": paths["labelled"], "unlabelled": paths["labelled"]}
    found = list(reader(unlabelled_reader=None).read(both))
    assert sum(each["tags"].field is None for each in found) == 10
    assert len(found) == 20


def test_trees(tmp_path):
    rows = [("a", 2), ("cat", 0)]
    tree = "".join(TREE.format(number=n, word=w, head=h) for n, (w, h) in enumerate(rows, start=1))
    (tmp_path / "gold.conllu").write_text(f"{tree}\n" * 2)
    (tmp_path / "raw.txt").write_text("a dog\nbarks\n")
    both = {"labelled": str(tmp_path / "gold.conllu"), "unlabelled": str(tmp_path / "raw.txt")}
    found = list(reader(reader={"type": "universal_dependencies"}).read(both))
    batch = Batch(found)
    batch.index_instances(Vocabulary.from_instances(found))
    tensors = batch.as_tensor_dict()
    assert (
        tensors["head_indices"]["rows"].tolist() == tensors["head_tags"]["rows"].tolist() == [0, 2]
    )
    assert tensors["head_indices"]["value"].tolist() == [[2, 0]] * 2


class TestProcesses:
    """They choose the same sentences, and each reads its part of them."""

    @pytest.fixture
    def tagged(self, paths, tmp_path):
        (tmp_path / "tagged.txt").write_text("".join(f"gold{n}###O is###O\n" for n in range(10)))
        return {**paths, "labelled": str(tmp_path / "tagged.txt")}

    @pytest.mark.parametrize("kind", ["sequence_tagging", "conll2000"])  # the first shards itself
    def test_distributed(self, kind, paths, tagged, monkeypatch):
        both = tagged if kind == "sequence_tagging" else paths

        def built() -> DatasetReader:
            return reader(reader={"type": kind}, unlabelled_ratio=2)

        expected = firsts(built().read(both))
        for size in (2, 3):
            parts = []
            monkeypatch.setattr("torch.distributed.get_world_size", lambda size=size: size)
            monkeypatch.setattr("allennlp.common.util.is_distributed", lambda: True)
            for rank in range(size):
                monkeypatch.setattr("torch.distributed.get_rank", lambda rank=rank: rank)
                of_rank = built()
                parts.append(firsts(of_rank.read(both)))
                assert of_rank.wrapped.get_distributed_info().global_rank == rank
            assert [parts[n % size][n // size] for n in range(len(expected))] == expected

    @pytest.mark.slow
    def test_workers_of_a_data_loader(self, tagged):
        built = reader(reader={"type": "sequence_tagging"}, unlabelled_ratio=2)
        loader = MultiProcessDataLoader(built, tagged, batch_size=3, num_workers=2)
        loader.index_with(Vocabulary.from_instances(loader.iter_instances()))
        assert sorted(firsts(loader.iter_instances())) == sorted(firsts(built.read(tagged)))


class TestErrors:
    @pytest.mark.parametrize("kind,text,message", [
        ("conll2000", "a X O\ncat X O\n\nruns\n", "line 4: expected 3 columns, found 1"),
        ("sequence_tagging", "a###O\ncat\n", "line 2: expected word###tag, found 'cat'"),
        (
            "universal_dependencies",
            TREE.format(number=1, word="a", head=0) + "\n" + TREE.format(number=1, word="dog", head="_"),
            "line 3: the word 'dog' has the head '_' and the relation 'root'",
        ),
        (
            "universal_dependencies",
            TREE.format(number=1, word="a", head=0) + "\n1\tdog\t_\n",
            "line 3: expected 10 columns with tabs between them, found 3",
        ),
        (
            "conllu_tagging",
            "1\ta\t_\tX\t_\t_\t_\t_\t_\t_\n\n1\tcat\t_\t_\t_\t_\t_\t_\t_\t_\n",
            r"from line 3: word 1 \('cat'\) has no upos",
        ),
    ])  # fmt: skip
    def test_gold_that_is_missing_half_way(self, kind, text, message, tmp_path):
        path = tmp_path / "transfer.txt"
        path.write_text(text)
        built = reader(unlabelled_reader={"type": kind})
        with pytest.raises(ConfigurationError, match=f"transfer.txt, .*{message}"):
            list(built.read({"unlabelled": str(path)}))

    @pytest.mark.parametrize(
        "path,found",
        [
            ({}, "none"),
            ({"labelled": "a"}, "labelled"),
            ({"unlabelled": "a", "raw": "b"}, "unlabelled, raw"),
        ],
    )
    def test_keys(self, path, found):
        message = f"must have the keys `labelled` and `unlabelled`, found {found}"
        with pytest.raises(ConfigurationError, match=message):
            list(reader().read(path))

    def test_other_fields_of_text_without_gold(self, paths, monkeypatch):
        built = reader()
        made = built.wrapped.text_to_instance

        def with_more(tokens: List[Token], pos_tags=None, chunk_tags=None):
            instance = made(tokens, pos_tags, chunk_tags)
            if chunk_tags is not None:
                instance.add_field("more", instance["metadata"])
            return instance

        monkeypatch.setattr(built.wrapped, "text_to_instance", with_more)
        with pytest.raises(
            ConfigurationError,
            match="makes the fields metadata, more, tags, tokens for labeled text but metadata, "
            "tokens for unlabeled text",
        ):
            list(built.read(paths))


def test_paths():
    found = TransferPaths.of({"labelled": ["a", "b"], "unlabelled": "c"})
    assert found == (["a", "b"], ["c"])
    assert not TransferPaths.is_one("a") and not TransferPaths.is_one(["a"])


@pytest.mark.parametrize("content", ["", "\n\n \n"])
@pytest.mark.parametrize("which", ["labelled", "unlabelled"])
def test_a_file_without_sentences_is_named(paths, tmp_path, which, content):
    (tmp_path / "empty.txt").write_text(content)
    both = {**paths, which: [paths[which], str(tmp_path / "empty.txt")]}
    with pytest.raises(
        ConfigurationError,
        match="empty.txt has no sentences: expected at least one to train or valid",
    ):
        list(reader().read(both))


def test_a_training_file_without_sentences_is_named(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(
        ConfigurationError,
        match="empty.txt has no sentences: expected at least one to train or valid",
    ):
        list(reader().read(tmp_path / "empty.txt"))
    assert list(reader(teacher_inputs=False).read(tmp_path / "empty.txt")) == []


class TestAttributesOfTokens:
    """The student's indexers read lemmas."""

    @pytest.fixture
    def lemma_paths(self, tmp_path):
        (tmp_path / "gold.txt").write_text("the###D cats###N\n")
        (tmp_path / "other.txt").write_text("old###D dogs###N\n")
        return {"labelled": str(tmp_path / "gold.txt"), "unlabelled": str(tmp_path / "other.txt")}

    def test_are_carried_from_the_unlabelled_reader(self, lemma_paths):
        lemmas = {"type": "tests_lemmas"}
        found = list(reader(reader=lemmas, unlabelled_reader=dict(lemmas)).read(lemma_paths))
        assert sorted(each["tokens"].tokens[1].lemma_ for each in found) == ["cat", "dog"]

    def test_must_be_there(self, lemma_paths):
        message = "LemmaReader indexes lemma_ of each token .*other.txt lacks: read it with an"
        built = reader(reader={"type": "tests_lemmas"})
        with pytest.raises(ConfigurationError, match=message):
            list(built.read(lemma_paths))
        alone = {"type": "plain_text", "reader": {"type": "tests_lemmas"}}
        with pytest.raises(ConfigurationError, match=message):
            list(DatasetReader.from_params(Params(alone)).read(lemma_paths["unlabelled"]))


def test_a_sharded_reader(tmp_path):
    (tmp_path / "shards").mkdir()
    for number in range(2):
        path = tmp_path / "shards" / f"{number}.txt"
        path.write_text(f"gold{number} X B-NP\nis X O\n\n")
    sharded = {"type": "sharded", "base_reader": {"type": "conll2000"}}
    found = list(reader(reader=sharded).read(str(tmp_path / "shards")))
    assert sorted(firsts(found)) == ["gold0", "gold1"]
    (tmp_path / "raw.txt").write_text("raw text\n")
    paths = {"labelled": str(tmp_path / "shards"), "unlabelled": str(tmp_path / "raw.txt")}
    assert sorted(firsts(reader(reader=sharded).read(paths))) == ["gold0", "gold1", "raw"]
