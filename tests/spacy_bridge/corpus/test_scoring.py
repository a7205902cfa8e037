"""A corpus scored by several workers, one of which is killed, gives the store that one process makes."""

import argparse
import json
import os
import random
import shutil

import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.commands import shard_scorer
from allennlp_kd.commands.corpus_words import CorpusWords
from allennlp_kd.commands.score_corpus import KdScoreCorpus
from allennlp_kd.commands.shard_scorer import ShardScorer
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.readers.plain_text_reader import PlainTextReader
from allennlp_kd.teachers.store.potential_store import PotentialStore
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from spacy_bridge.corpus.row import Row
from tests.spacy_bridge.corpus.killing import run_and_kill
from tests.spacy_bridge.corpus.test_pieces import treebank

WORDS = "the cat runs a dog sleeps #1 dogs can't sleep .".split()


def sentences(count, seed=5):
    generator = random.Random(seed)
    return [generator.choices(WORDS, k=generator.randint(1, 12)) for _ in range(count)]


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(words) + "\n" for words in sentences(200)))
    return path


@pytest.fixture
def config(tmp_path, tagger_archive):
    def make(store, archive=tagger_archive, **options):
        teacher = {"type": "archive", "archive_file": archive, "cuda_device": -1}
        content = {
            "dataset_reader": {
                "type": "distillation",
                "reader": {"type": "conll2000"},
                "teacher": {
                    "type": "store",
                    "directory": str(tmp_path / store),
                    "teacher": teacher,
                    "batch_size": 8,
                    **options,
                },
            },
        }
        path = tmp_path / f"{store}.json"
        path.write_text(json.dumps(content))
        return str(path)

    return make


def score(*words):
    parser = argparse.ArgumentParser()
    KdScoreCorpus().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-score-corpus", *map(str, words)])
    arguments.func(arguments)


def shards(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.shard")}


def teacher_of(config):
    content = json.loads(open(config).read())["dataset_reader"]["teacher"]
    return Teacher.from_params(Params(content))


def test_the_store_has_what_training_asks_for(config, corpus, tmp_path, capsys):
    given = config("store")
    score(given, corpus, "--shard", 32)
    assert "7 shards of 200 sentences made" in capsys.readouterr().out
    assert len(shards(tmp_path / "store")) == 7
    reader = PlainTextReader()
    asked = list(reader.sentences(str(corpus)))
    teacher = teacher_of(given)
    assert len(asked) == 200 and teacher.fill(asked) == 0
    live = teacher._source
    for sentence in asked[:20]:
        found = torch.from_numpy(teacher._open().read(teacher.key(sentence))["emissions"].copy())
        expected = live.score([sentence]).emissions[0]
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_what_is_there_is_not_scored_again(config, corpus, tmp_path, capsys):
    given, folder = config("store"), tmp_path / "store"
    score(given, corpus, "--shard", 32)
    before = shards(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.glob("*.shard")}
    lost = sorted(stamps)[:2]
    for path in lost:
        path.unlink()
    capsys.readouterr()
    score(given, corpus, "--shard", 32)
    assert "2 shards of " in (found := capsys.readouterr().out) and "; 5 existed" in found
    assert shards(folder) == before
    assert all(path in lost or path.stat().st_mtime_ns == at for path, at in stamps.items())
    # A corpus that grew costs what has been added; the teacher is not opened for the rest.
    with open(corpus, "a") as file:
        file.write("a new dog\n")
    score(given, corpus, "--shard", 32)
    assert "1 shards of 9 sentences made" in capsys.readouterr().out
    assert before.items() < shards(folder).items()


def test_a_damaged_shard_is_scored_again(config, corpus, tmp_path, capsys):
    given, folder = config("store"), tmp_path / "store"
    score(given, corpus, "--shard", 32)
    before = shards(folder)
    first, second = sorted(folder.glob("*.shard"))[:2]
    os.truncate(first, first.stat().st_size - 1)
    os.truncate(second, 0)
    capsys.readouterr()
    score(given, corpus, "--shard", 32)
    assert "2 shards of " in (found := capsys.readouterr().out) and "; 5 existed" in found
    assert shards(folder) == before


def test_a_complete_store_of_another_teacher_is_refused(
    config, corpus, tmp_path, tagger_archive, other_tagger_archive
):
    archive = str(shutil.copy(tagger_archive, tmp_path / "model.tar.gz"))
    given = config("store", archive)
    score(given, corpus)
    shutil.copy(other_tagger_archive, archive)
    with pytest.raises(ConfigurationError, match="was made with another fingerprint: expected"):
        score(given, corpus)
    # The advice can be followed, also by a worker that knows the store and the archive of before.
    shutil.rmtree(tmp_path / "store")
    score(given, corpus)
    teacher = teacher_of(given)
    assert teacher.fill(list(PlainTextReader().sentences(str(corpus)))) == 0
    assert len(shard_scorer._opened) <= shard_scorer.OPENED


@pytest.mark.parametrize("missing", ["skip", "error"])
def test_sentences_that_the_teacher_does_not_know(config, corpus, tmp_path, capsys, missing):
    corpus.write_text("the cat\na dog\nno one\nnor this one\n")
    tags = tmp_path / "tags.txt"
    tags.write_text("the O\ncat B-X\n\na O\ndog O\n")
    teacher = {"type": "annotations", "files": str(tags), "missing": missing}
    given = config("store", teacher=teacher)
    if missing == "error":
        with pytest.raises(ConfigurationError, match="have no sentence 'no one'"):
            score(given, corpus, "--shard", 2)
        return
    score(given, corpus, "--shard", 2)
    assert "2 shards of 4 sentences made" in capsys.readouterr().out
    store = PotentialStore(str(tmp_path / "store"))
    assert len(store) == 2 and Sentence(("the", "cat")).key in store
    score(given, corpus, "--shard", 2)
    assert "; 2 existed" in capsys.readouterr().out


def test_a_sentence_in_two_shards_is_read_from_one_of_them(config, corpus, tmp_path):
    corpus.write_text("the cat\na dog runs\nthe cat\nthe cat runs a dog\n")
    given = config("store")
    score(given, corpus, "--shard", 2, "--tokenized")
    found = [
        PotentialStore(str(tmp_path / "store")).read(Sentence(("the", "cat")).key) for _ in "ab"
    ]
    assert found[0]["emissions"].tobytes() == found[1]["emissions"].tobytes()
    assert len(PotentialStore(str(tmp_path / "store"))) == 3


@pytest.mark.slow
def test_a_worker_is_killed(config, corpus, tmp_path):
    corpus.write_text("".join(" ".join(words) + "\n" for words in sentences(3000, seed=8)))
    score(config("one"), corpus, "--shard", 50)
    given = config("two")

    def command(scheduler):
        score(given, corpus, "--shard", 50, "--scheduler", scheduler)

    alive, killed, done = run_and_kill(command, tmp_path / "two", "*.shard")
    assert len(alive) == 2 and killed not in alive and done < 60
    one, two = shards(tmp_path / "one"), shards(tmp_path / "two")
    assert len(one) == 60 and one == two
    assert (tmp_path / "one" / "header.json").read_bytes() == (
        tmp_path / "two" / "header.json"
    ).read_bytes()


def test_trees_and_their_tags(config, tmp_path, tagged_parser):
    path = tmp_path / "trees.conllu"
    given = sentences(9)
    path.write_text(treebank(given))
    score(config("upos", tagged_parser), path, "--shard", 4)
    store = StoreTeacher(str(tmp_path / "upos"))
    keys = {Sentence(tuple(words), ("X",) * len(words)).key for words in given}
    assert len(store._open()) == len(keys) and all(key in store._open() for key in keys)
    with pytest.raises(ConfigurationError, match="needs part-of-speech tags, but the sentence"):
        score(config("none", tagged_parser), path, "--tags", "none")


def test_half_precision_and_marginals(config, corpus, tmp_path):
    score(config("half", dtype="float16", marginals=True), corpus, "--tokenized")
    store = PotentialStore(str(tmp_path / "half"))
    found = store.read(Sentence(tuple(sentences(200)[0])).key)
    assert store.header["marginals"] and {each.dtype.str for each in found.values()} == {"<f2"}


def test_words_are_those_of_the_readers(tmp_path):
    path = tmp_path / "corpus.txt"
    text = ["I can't  go.", "\u3000 ", "U.S. is (not) l'état", "日本語 #1"]
    path.write_text("\n".join(text), encoding="utf-8")
    rows = [Row(text=line) for line in text]
    assert CorpusWords("fr")(rows) == list(PlainTextReader("fr").sentences(str(path)))
    spaced = PlainTextReader(tokenize=False)
    assert CorpusWords()(rows) == list(spaced.sentences(str(path)))
    row = Row(words=("a",), upos=("X",), xpos=("Y",))
    assert [CorpusWords(tags=tags)([row])[0].tags for tags in ("upos", "xpos", "none")] == [
        ("X",),
        ("Y",),
        None,
    ]
    with pytest.raises(ConfigurationError, match="upos, xpos, none, found 'lemma'"):
        CorpusWords(tags="lemma")
    with pytest.raises(ConfigurationError, match="tokenizer for the language 'qqq'"):
        CorpusWords("qqq")


def test_the_threads_are_as_before(config, corpus):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        score(config("store"), corpus)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_is_refused(config, corpus, tmp_path):
    with pytest.raises(ConfigurationError, match="the suffix is unknown"):
        score(config("store"), tmp_path / "corpus.dat")
    with pytest.raises(ConfigurationError, match="found both: 2, tcp://x:1"):
        score(config("store"), corpus, "--workers", 2, "--scheduler", "tcp://x:1")
    given = config("store")
    score(given, corpus)
    content = json.loads(open(given).read())
    del content["dataset_reader"]["teacher"]["teacher"]
    alone = ShardScorer(json.dumps(content["dataset_reader"]["teacher"]))
    with pytest.raises(ConfigurationError, match="store .*/store has no teacher to score with"):
        alone.open().write_shard("name", [Sentence(("a",))])
    content["dataset_reader"] = {"type": "conll2000"}
    (tmp_path / "other.json").write_text(json.dumps(content))
    with pytest.raises(ConfigurationError, match="has no store to score into.*found 'conll2000'"):
        score(tmp_path / "other.json", corpus)
