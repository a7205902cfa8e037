"""Archives whose scores depend on more than words, and those that only seem to."""

import json

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Instance, Token
from allennlp.data.fields import TextField
from allennlp.models import load_archive

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.ensemble.ensemble_teacher import EnsembleTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.configs.corpora import write_corpora
from tests.models.experiments import experiment, write_data
from tests.models.tagging import tagger_config
from tests.teachers.archive.own_readers import lemma_of
from tests.teachers.archives import tagger_params
from tests.teachers.parsers import opened

WORDS = ("the", "dogs", "bark")
EMBEDDERS = {
    "text_field_embedder": {
        "token_embedders": {
            "tokens": {"type": "embedding", "embedding_dim": 3},
            "other": {"type": "embedding", "embedding_dim": 2, "vocab_namespace": "other"},
        }
    }
}


def trained(folder, reader) -> str:
    write_data(folder)
    model = tagger_config("crf_tagger", label_encoding="BIO", **EMBEDDERS)
    train_model(Params(experiment(folder, reader, model, num_epochs=1)), str(folder / "run"))
    return str(folder / "run" / "model.tar.gz")


@pytest.fixture(scope="module")
def lemma_tagger(tmp_path_factory) -> str:
    return trained(tmp_path_factory.mktemp("lemmas"), {"type": "tests_lemmas"})


def tokens(lemmas: bool = True):
    return [Token(word, lemma_=lemma_of(word) if lemmas else None) for word in WORDS]


def instance(given) -> Instance:
    return Instance({"tokens": TextField(given, {})})


def scores(teacher, *given):
    made = [instance(each) for each in given]
    teacher.attach(made)
    fields = [each["teacher"] for each in made]
    inputs = fields[0].batch_tensors([field.as_tensor({}) for field in fields])["value"]
    return teacher.potentials(inputs).emissions


def stock_scores(path, *arguments):
    archive = load_archive(path)
    batch = Batch([archive.dataset_reader.text_to_instance(*arguments)])
    batch.index_instances(archive.model.vocab)
    return archive.model.eval()(**batch.as_tensor_dict())["logits"]


class TestAttributes:
    def test_are_those_of_the_students_tokens(self, lemma_tagger):
        found = scores(ArchiveTeacher(lemma_tagger), tokens())
        torch.testing.assert_close(found, stock_scores(lemma_tagger, tokens()))
        # The test would notice: the indexer's default gives other scores.
        assert not torch.allclose(found, stock_scores(lemma_tagger, tokens(lemmas=False)))

    @pytest.mark.parametrize("value", [None, ""])
    def test_must_be_there(self, lemma_tagger, tmp_path, value):
        given = [Token(word, lemma_=value) for word in WORDS]
        message = (
            "reads lemma_ of each token .an indexer's feature_name., but no token in 1 sentences has "
            "it .the first sentence is 'the dogs bark'.: the student's reader must provide it"
        )
        live = ArchiveTeacher(lemma_tagger)
        store = StoreTeacher(str(tmp_path / "store"), live)
        for teacher in (live, store, EnsembleTeacher([live])):
            with pytest.raises(ConfigurationError, match=message):
                teacher.attach([instance(given)])
        with pytest.raises(ConfigurationError, match=message):
            store.write_shard("shard", [Sentence(WORDS)])
        with pytest.raises(ConfigurationError, match=message):
            StoreTeacher(str(tmp_path / "store"), EnsembleTeacher([live])).fill([Sentence(WORDS)])

    def test_one_sentence_may_lack_them(self, lemma_tagger):
        teacher = ArchiveTeacher(lemma_tagger)
        found = scores(teacher, tokens(), tokens(lemmas=False))
        expected = stock_scores(lemma_tagger, tokens(lemmas=False))
        torch.testing.assert_close(found[1:], expected)

    def test_are_part_of_the_key(self, lemma_tagger, tmp_path):
        store = StoreTeacher(str(tmp_path / "store"), ArchiveTeacher(lemma_tagger))
        other = [Token(word, lemma_="bark") for word in WORDS]
        found = scores(store, tokens(), other)
        assert store._open().header["features"] == ["lemma_"] and len(store._open()) == 2
        for row, given in enumerate((tokens(), other)):
            torch.testing.assert_close(found[row], stock_scores(lemma_tagger, given)[0])

    @pytest.mark.parametrize(
        "changes,name", [({"keeps": False}, "lemma_"), ({"feature": "shape_"}, "shape_")]
    )
    def test_that_no_token_can_have(self, lemma_tagger, tmp_path, changes, name):
        import tarfile

        with tarfile.open(lemma_tagger) as files:
            files.extractall(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text())
        config["dataset_reader"].update(changes)
        (tmp_path / "config.json").write_text(json.dumps(config))
        message = f"reads {name} of each token .*, but the tokens of its reader LemmaReader lack it"
        with pytest.raises(ConfigurationError, match=message):
            ArchiveTeacher(str(tmp_path)).attach([instance(tokens())])


def test_tags_in_tokens_are_needed(tmp_path):
    path = trained(tmp_path, {"type": "tests_tags_in_tokens"})
    teacher = ArchiveTeacher(path)
    assert teacher.description()["takes_tags"]
    tags = ["B-N", "I-N", "O"]
    made = teacher.read(Sentence(WORDS, tuple(tags)))
    assert [token.tag_ for token in made["tokens"].tokens] == tags
    message = f"the teacher {path}: the reader TagsInTokensReader needs pos_tags, but the sentence"
    with pytest.raises(ConfigurationError, match=message):
        teacher.read(Sentence(WORDS))


def test_features_that_the_model_does_not_look_at_are_not_needed(tmp_path):
    """Stock demands them of its reader, and `crf_tagger` ignores them."""
    params = tagger_params(write_corpora(tmp_path / "data"))
    params["dataset_reader"]["feature_labels"] = ["pos", "chunk"]
    params["dataset_reader"]["tag_label"] = "pos"
    params["model"].pop("label_encoding")
    train_model(Params(json.loads(json.dumps(params))), str(tmp_path / "run"))
    path = str(tmp_path / "run" / "model.tar.gz")
    given = [Token(word) for word in WORDS]
    expected = stock_scores(path, given, ["DT"] * 3, ["B-NP"] * 3)
    teacher = ArchiveTeacher(path)
    torch.testing.assert_close(scores(teacher, given), expected)
    description = teacher.description()
    assert not description["takes_tags"] and "features" not in description


def test_a_parser_needs_tags_where_it_embeds_them(plain_parser, tagged_parser):
    assert opened(tagged_parser)._open().needs.annotations == ("upos_tags",)
    assert opened(tagged_parser).description()["takes_tags"]
    assert opened(plain_parser)._open().needs.annotations == ()
    assert not opened(plain_parser).description()["takes_tags"]
