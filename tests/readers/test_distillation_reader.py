import allennlp_models.tagging  # noqa: F401 (registers readers)
import pytest
import torch
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, DatasetReader, Vocabulary
from allennlp.data.data_loaders import MultiProcessDataLoader
from allennlp.data.samplers import BucketBatchSampler

import allennlp_kd.readers.distillation_reader  # noqa: F401 (registers it)
import allennlp_kd.teachers.archive.archive_teacher  # noqa: F401 (registers it)
from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.teachers.teacher import Teacher
from tests.configs.corpora import SENTENCES, write_corpora
from tests.teachers.archives import train_tagger


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return str(write_corpora(tmp_path_factory.mktemp("corpora")) / "conll2000" / "test.txt")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return train_tagger(tmp_path_factory.mktemp("tagger"))


def reader(archive=None, **options) -> DatasetReader:
    config = {"type": "distillation", "reader": {"type": "conll2000"}, **options}
    if archive is not None:
        config["teacher"] = {"type": "archive", "archive_file": archive}
    return DatasetReader.from_params(Params(config))


def test_is_the_wrapped_reader_outside_of_training(corpus):
    found = list(reader("there/is/no/archive").read(corpus))
    expected = list(DatasetReader.from_params(Params({"type": "conll2000"})).read(corpus))
    assert [str(each) for each in found] == [str(each) for each in expected]


def test_gives_teacher_inputs_to_what_allennlp_train_builds(corpus, archive):
    config = {"type": "distillation", "reader": {"type": "conll2000"}}
    config["teacher"] = {"type": "archive", "archive_file": archive}
    built = DatasetReader.from_params(Params(config), local_rank=0, serialization_dir="run")
    assert all(Teacher.FIELD in each.fields for each in built.read(corpus))


def test_nothing_of_the_teacher_reaches_the_students_vocabulary(corpus, archive):
    found = list(reader(archive, teacher_inputs=True).read(corpus))
    plain = list(reader().read(corpus))
    vocab, expected = Vocabulary.from_instances(found), Vocabulary.from_instances(plain)
    assert vocab.get_token_to_index_vocabulary() == expected.get_token_to_index_vocabulary()
    assert set(vocab._token_to_index) == set(expected._token_to_index)


def test_batches_mix_labelled_and_unlabelled_sentences(corpus, archive):
    built = reader(archive, teacher_inputs=True)
    found = list(built.read(corpus))
    found[0].fields["tags"] = OptionalField(None)
    found[2].fields[Teacher.FIELD] = OptionalField(None)
    batch = Batch(found)
    batch.index_instances(Vocabulary.from_instances(found))
    tensors = batch.as_tensor_dict()
    assert tensors["tags"]["rows"].tolist() == [1, 2, 3]
    assert tensors["tags"]["value"].shape == (3, 3)
    assert tensors[Teacher.FIELD]["rows"].tolist() == [0, 1, 3]
    assert tensors[Teacher.FIELD]["value"]["tokens"]["tokens"]["tokens"].shape == (3, 3)


def test_loads_in_buckets(corpus, archive):
    built = reader(archive, teacher_inputs=True, labelled_fraction=0.5)
    loader = MultiProcessDataLoader(built, corpus, batch_sampler=BucketBatchSampler(batch_size=2))
    loader.index_with(Vocabulary.from_instances(loader.iter_instances()))
    batches = list(loader)
    assert sum(len(batch[Teacher.FIELD]["rows"]) for batch in batches) == len(SENTENCES)
    for batch in batches:
        words = batch["tokens"]["tokens"]["tokens"]
        assert batch[Teacher.FIELD]["value"]["tokens"]["tokens"]["tokens"].shape == words.shape


class TestLabelledFraction:
    @pytest.mark.parametrize("fraction,expected", [(0.0, 0), (1.0, len(SENTENCES))])
    def test_none_and_all(self, fraction, expected, corpus):
        found = list(reader(teacher_inputs=True, labelled_fraction=fraction).read(corpus))
        assert sum(not each["tags"].withheld for each in found) == expected

    def test_labels_come_into_the_vocabulary_in_any_case(self, corpus):
        found = list(reader(teacher_inputs=True, labelled_fraction=0.0).read(corpus))
        expected = Vocabulary.from_instances(reader().read(corpus))
        vocab = Vocabulary.from_instances(found)
        assert vocab.get_token_to_index_vocabulary("labels") == (
            expected.get_token_to_index_vocabulary("labels")
        )
        batch = Batch(found)
        batch.index_instances(vocab)
        tags = batch.as_tensor_dict()["tags"]
        assert tags["withheld"].all() and len(tags["value"]) == len(SENTENCES)

    def test_depends_on_the_words_alone(self, tmp_path):
        path = tmp_path / "many.txt"
        sentences = [f"word{number} X B-NP\n\n" for number in range(2000)]
        path.write_text("".join(sentences))
        built = reader(teacher_inputs=True, labelled_fraction=0.25)
        labelled = {
            each["tokens"].tokens[0].text
            for each in built.read(str(path))
            if not each["tags"].withheld
        }
        assert 0.2 < len(labelled) / 2000 < 0.3
        path.write_text("".join(reversed(sentences)))
        again = {
            each["tokens"].tokens[0].text
            for each in built.read(str(path))
            if not each["tags"].withheld
        }
        assert again == labelled

    def test_outside_of_the_range(self):
        with pytest.raises(
            ConfigurationError, match=r"labelled_fraction must lie in \[0, 1\], found 1.5"
        ):
            reader(labelled_fraction=1.5)


def test_max_instances(corpus, archive):
    built = reader(archive, teacher_inputs=True, max_instances=2)
    assert len(list(built.read(corpus))) == 2


class TestSharding:
    """Each process reads its part, and has the teacher score that alone."""

    @pytest.fixture
    def many(self, tmp_path):
        lines = {
            "sequence_tagging": "".join(
                f"w{number}###O v###O\n" for number in range(12)
            ),  # shards itself
            "conll2000": "".join(f"w{number} X O\nv X O\n\n" for number in range(12)),  # does not
        }
        for name, text in lines.items():
            (tmp_path / name).write_text(text)
        return tmp_path

    @pytest.mark.parametrize("kind", ["sequence_tagging", "conll2000"])
    @pytest.mark.parametrize("max_instances", [None, 5])
    def test_distributed(self, kind, max_instances, many, monkeypatch):
        prepared, found = [], []
        for rank in range(2):
            monkeypatch.setattr("torch.distributed.get_rank", lambda: rank)
            monkeypatch.setattr("torch.distributed.get_world_size", lambda: 2)
            monkeypatch.setattr("allennlp.common.util.is_distributed", lambda: True)
            built = reader(reader={"type": kind}, teacher_inputs=True, max_instances=max_instances)
            kept = built._prepared
            monkeypatch.setattr(
                built, "_prepared", lambda each: prepared.extend(each) or kept(each)
            )
            part = [each["tokens"].tokens[0].text for each in built.read(str(many / kind))]
            assert all(int(word[1:]) % 2 == rank for word in part)
            found += part
        assert len(set(found)) == len(found) == (max_instances or 12)
        assert len(prepared) == (2 * max_instances if max_instances else 12)

    @pytest.mark.slow
    def test_workers_of_a_data_loader(self, many, archive):
        built = reader(archive, reader={"type": "sequence_tagging"}, teacher_inputs=True)
        path = str(many / "sequence_tagging")
        loader = MultiProcessDataLoader(built, path, batch_size=3, num_workers=2)
        loader.index_with(Vocabulary.from_instances(loader.iter_instances()))
        firsts = [each["tokens"].tokens[0].text for each in loader.iter_instances()]
        assert sorted(firsts) == sorted(f"w{number}" for number in range(12))
        lazy = MultiProcessDataLoader(
            built, path, batch_size=3, num_workers=2, max_instances_in_memory=3
        )
        lazy.index_with(loader._vocab)
        assert sum(len(batch[Teacher.FIELD]["rows"]) for batch in lazy) == 12


class TestErrors:
    @pytest.mark.parametrize(
        "kind,text,line,expected,found",
        [
            ("conll2000", "the DT B-NP\ncat NN I-NP\n\nruns VB\n", 4, 3, 2),
            (
                "conll2000",
                "the DT B-NP\ncat NN I-NP I-NP\n",
                2,
                3,
                4,
            ),  # stock drops what is too much
            ("conll2000", "the B-NP\ncat I-NP\n", 1, 3, 2),
            ("conll2003", "-DOCSTART- -X-\n\nthe DT B-NP O\ncat NN I-NP\n", 4, 4, 3),
        ],
    )
    def test_a_wrong_number_of_columns(self, kind, text, line, expected, found, tmp_path):
        path = tmp_path / "ragged.txt"
        path.write_text(text)
        message = f"ragged.txt, line {line}: expected {expected} columns, found {found}"
        with pytest.raises(ConfigurationError, match=message):
            list(reader(reader={"type": kind}).read(str(path)))

    def test_a_word_without_a_tag(self, tmp_path):
        path = tmp_path / "tagged.txt"
        path.write_text("the###D cat###N\n\na###D dog\n")
        with pytest.raises(
            ConfigurationError, match="tagged.txt, line 3: expected word###tag, found 'dog'"
        ):
            list(reader(reader={"type": "sequence_tagging"}).read(str(path)))

    def test_what_is_not_text(self, tmp_path):
        path = tmp_path / "latin.txt"
        path.write_bytes("the###D\xe9\n".encode("latin-1"))
        with pytest.raises(
            ConfigurationError, match="latin.txt cannot be read: .*codec can't decode"
        ):
            list(reader(reader={"type": "sequence_tagging"}).read(str(path)))

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nothing.txt"):
            list(reader().read(str(tmp_path / "nothing.txt")))


def test_a_field_that_is_absent_everywhere_collates_to_nothing():
    fields = [OptionalField(None), OptionalField(None)]
    assert fields[0].batch_tensors([field.as_tensor({}) for field in fields]) is None
    assert len(fields[0]) == 0 and fields[0].human_readable_repr() is None
    assert isinstance(fields[0].empty_field(), OptionalField)


def test_payloads_are_padded_together(corpus):
    found = list(reader(teacher_inputs=True).read(corpus))
    vocab = Vocabulary.from_instances(found)
    fields = [each["tags"] for each in found]
    for field in fields:
        field.index(vocab)
    value = fields[0].batch_tensors([field.as_tensor({}) for field in fields])["value"]
    assert value.shape == (len(SENTENCES), 3) and value.dtype == torch.long
    assert len(fields[0]) == 3
