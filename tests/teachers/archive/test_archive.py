import gzip
import json
import random
import shutil
import tarfile
import zlib
from pathlib import Path

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Instance, Token
from allennlp.data.fields import TextField
from allennlp.models import load_archive
from allennlp.models.simple_tagger import SimpleTagger
from allennlp.nn import util
from allennlp.predictors import Predictor
from allennlp_models.tagging.predictors import SentenceTaggerPredictor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.scorers.registry import SCORERS
from tests.configs.corpora import write_corpora
from tests.teachers.archives import tagger_params

SENTENCES = [("the", "cat", "runs"), ("unheard",), ("a", "dog", "runs", "#1", "cat")]


def instance(words) -> Instance:
    return Instance({"tokens": TextField([Token(word) for word in words], {})})


def collated(teacher: ArchiveTeacher, sentences=SENTENCES):
    instances = [instance(words) for words in sentences]
    teacher.attach(instances)
    fields = [each["teacher"] for each in instances]
    return fields[0].batch_tensors([field.as_tensor({}) for field in fields])


@pytest.mark.parametrize("name", ["tagger_archive", "other_tagger_archive"])
def test_scores_are_those_of_the_stock_model(name, request):
    path = request.getfixturevalue(name)
    inputs = collated(ArchiveTeacher(path))
    assert inputs["rows"].tolist() == [0, 1, 2]
    teacher = ArchiveTeacher(path)
    found = teacher.potentials(inputs["value"])

    archive = load_archive(path)
    archive.model.eval()
    batch = Batch(
        [archive.dataset_reader.text_to_instance([Token(w) for w in words]) for words in SENTENCES]
    )
    batch.index_instances(archive.model.vocab)
    expected = archive.model(**batch.as_tensor_dict())
    torch.testing.assert_close(found.emissions, expected["logits"], rtol=0, atol=0)
    assert torch.equal(found.mask, expected["mask"])
    torch.testing.assert_close(found.transitions, archive.model.crf.transitions.data)
    if archive.model.include_start_end_transitions:
        torch.testing.assert_close(found.start, archive.model.crf.start_transitions.data)
        torch.testing.assert_close(found.end, archive.model.crf.end_transitions.data)
    else:
        assert not found.start.any() and not found.end.any()
    names = archive.model.vocab.get_index_to_token_vocabulary("labels")
    assert teacher.labels == [names[index] for index in range(len(names))]
    assert teacher.structure == "chain"


def test_scores_are_read_as_stock_predicts(tmp_path):
    """By the `validation_dataset_reader`, where that is another one."""
    params = tagger_params(write_corpora(tmp_path / "data"))
    params["validation_dataset_reader"] = {
        **params["dataset_reader"],
        "token_indexers": {"tokens": {"type": "single_id", "lowercase_tokens": True}},
    }
    train_model(Params(json.loads(json.dumps(params))), str(tmp_path / "run"))
    path = str(tmp_path / "run" / "model.tar.gz")
    archive = load_archive(path)
    words = max(archive.model.vocab.get_token_to_index_vocabulary("tokens"), key=str.isupper)
    sentence = (words.title(), *SENTENCES[0], words)
    predictor = SentenceTaggerPredictor.__new__(SentenceTaggerPredictor)
    Predictor.__init__(predictor, archive.model, archive.validation_dataset_reader)
    made = archive.validation_dataset_reader.text_to_instance([Token(word) for word in sentence])
    expected = torch.tensor(predictor.predict_instance(made)["logits"])
    teacher = ArchiveTeacher(path)
    found = teacher.potentials(collated(teacher, [sentence])["value"]).emissions[0]
    torch.testing.assert_close(found, expected)
    # The test would notice: the other reader gives other scores.
    made = archive.dataset_reader.text_to_instance([Token(word) for word in sentence])
    assert not torch.allclose(torch.tensor(predictor.predict_instance(made)["logits"]), expected)


def test_never_decodes_and_has_no_gradient(tagger_archive, monkeypatch):
    monkeypatch.setattr(util, "viterbi_decode", lambda *a, **k: pytest.fail("the teacher decodes"))
    teacher = ArchiveTeacher(tagger_archive)
    found = teacher.potentials(collated(teacher)["value"])
    assert not found.emissions.requires_grad and not found.transitions.requires_grad
    assert not teacher._open().model.training


def test_one_archive_is_opened_once(tagger_archive):
    folder = Path(tagger_archive).parent
    first, second = (
        ArchiveTeacher(tagger_archive),
        ArchiveTeacher(str(folder / "." / "model.tar.gz")),
    )
    assert first._open() is second._open()


def test_what_another_teacher_has_read_is_refused(tagger_archive, other_tagger_archive, tmp_path):
    inputs = collated(ArchiveTeacher(tagger_archive))["value"]
    message = f"{other_tagger_archive} cannot score sentences that were read for {tagger_archive}: "
    with pytest.raises(ConfigurationError, match=message):
        ArchiveTeacher(other_tagger_archive).potentials(inputs)
    with pytest.raises(ConfigurationError, match="read for a teacher of another type"):
        ArchiveTeacher(tagger_archive).potentials({"emissions": None})
    copy = shutil.copy(tagger_archive, tmp_path / "copy.tar.gz")
    assert ArchiveTeacher(str(copy)).potentials(inputs).batch_size == len(SENTENCES)


def test_the_fingerprint_is_of_the_files(tagger_archive, other_tagger_archive, tmp_path):
    first = ArchiveTeacher(tagger_archive).fingerprint
    assert first != ArchiveTeacher(other_tagger_archive).fingerprint
    unpacked = tmp_path / "unpacked"
    with tarfile.open(tagger_archive) as archive:
        archive.extractall(unpacked)
    assert ArchiveTeacher(str(unpacked)).fingerprint == first
    vocabulary = unpacked / "vocabulary" / "tokens.txt"
    vocabulary.write_text(vocabulary.read_text().replace("cat", "dog2"))
    assert ArchiveTeacher(str(unpacked)).fingerprint != first


def repacked(source: str, target: Path, change) -> str:
    folder = target / "files"
    with tarfile.open(source) as archive:
        archive.extractall(folder)
    change(folder)
    with tarfile.open(target / "model.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname=".")
    return str(target / "model.tar.gz")


def same_content(damaged: bytes, whole: bytes) -> bool:
    try:
        return gzip.decompress(damaged) == gzip.decompress(whole)
    except (OSError, EOFError, zlib.error):
        return False


class TestErrors:
    def test_no_archive(self, tmp_path):
        with pytest.raises(
            ConfigurationError, match="the teacher archive .*nothing does not exist"
        ):
            ArchiveTeacher(str(tmp_path / "nothing")).labels

    def test_truncated(self, tagger_archive, tmp_path):
        content = Path(tagger_archive).read_bytes()
        path = tmp_path / "model.tar.gz"
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(ConfigurationError, match="model.tar.gz is damaged"):
            ArchiveTeacher(str(path)).labels

    @pytest.mark.parametrize("name", ["vocabulary", "weights.th", "config.json"])
    def test_incomplete(self, name, tagger_archive, tmp_path):
        def remove(folder):
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()

        path = repacked(tagger_archive, tmp_path, remove)
        with pytest.raises(ConfigurationError, match=f"lacks {name}"):
            ArchiveTeacher(path).labels

    def test_no_tagger(self, tmp_path, monkeypatch):
        from allennlp.commands.train import train_model
        from allennlp.common import Params

        from tests.configs.corpora import write_corpora
        from tests.teachers.archives import tagger_params

        params = tagger_params(write_corpora(tmp_path / "data"))
        params["model"] = {**params["model"], "type": "simple_tagger"}
        train_model(Params(params), str(tmp_path / "run"))
        assert ArchiveTeacher(str(tmp_path / "run" / "model.tar.gz")).structure == "chain"
        monkeypatch.setattr("allennlp_kd.teachers.archive.archive_teacher._opened", {})
        monkeypatch.delitem(SCORERS, SimpleTagger)  # as if nobody knew how to score it
        with pytest.raises(
            ConfigurationError,
            match="^the archive .* holds a SimpleTagger, but .* one of .*CrfTagger, ",
        ):
            ArchiveTeacher(str(tmp_path / "run" / "model.tar.gz")).labels

    def test_damaged_weights(self, tagger_archive, tmp_path):
        def cut(folder):
            content = (folder / "weights.th").read_bytes()
            (folder / "weights.th").write_bytes(content[: len(content) // 2])

        with pytest.raises(ConfigurationError, match="model.tar.gz (are damaged|cannot be opened)"):
            ArchiveTeacher(repacked(tagger_archive, tmp_path, cut)).labels

    def test_weights_that_run_code(self, tagger_archive, tmp_path):
        class Runs:
            def __reduce__(self):
                return Path.touch, (tmp_path / "ran",)

        path = repacked(
            tagger_archive,
            tmp_path,
            lambda folder: torch.save({"w": Runs()}, folder / "weights.th"),
        )
        with pytest.raises(ConfigurationError, match="damaged, or contain more than tensors"):
            ArchiveTeacher(path).labels
        assert not (tmp_path / "ran").exists()

    def test_flipped_bytes(self, tagger_archive, tmp_path):
        whole = Path(tagger_archive).read_bytes()
        generator = random.Random(0)
        harmless = 0
        for number in range(40):
            damaged = bytearray(whole)
            # Behind the header, which holds a time and a name.
            damaged[generator.randrange(40, len(whole))] ^= 1 << generator.randrange(8)
            if same_content(bytes(damaged), whole):  # one bit in some 600 means nothing
                harmless += 1
                continue
            path = tmp_path / f"{number}.tar.gz"
            path.write_bytes(damaged)
            with pytest.raises(ConfigurationError, match=f"{number}.tar.gz"):
                ArchiveTeacher(str(path)).labels
        assert harmless < 5

    def test_an_unknown_model(self, tagger_archive, tmp_path):
        def change(folder):
            config = json.loads((folder / "config.json").read_text())
            config["model"]["type"] = "no_such_model"
            (folder / "config.json").write_text(json.dumps(config))

        with pytest.raises(
            ConfigurationError, match="model.tar.gz cannot be opened: .*no_such_model"
        ):
            ArchiveTeacher(repacked(tagger_archive, tmp_path, change)).labels

    def test_scores_that_are_no_numbers(self, tagger_archive, tmp_path):
        def spoil(folder):
            weights = torch.load(folder / "weights.th")
            weights["text_field_embedder.token_embedder_tokens.weight"][1] = float(
                "nan"
            )  # unknown words
            torch.save(weights, folder / "weights.th")

        teacher = ArchiveTeacher(repacked(tagger_archive, tmp_path, spoil))
        with pytest.raises(ValueError, match="model.tar.gz contain NaN for 'unheard'"):
            teacher.potentials(collated(teacher)["value"])

    def test_a_missing_checkpoint(self, tagger_archive, tmp_path):
        def change(folder):
            config = json.loads((folder / "config.json").read_text())
            config["dataset_reader"]["token_indexers"] = {
                "tokens": {"type": "pretrained_transformer_mismatched", "model_name": "./gone"}
            }
            (folder / "config.json").write_text(json.dumps(config))

        path = repacked(tagger_archive, tmp_path, change)
        with pytest.raises(ConfigurationError, match="cannot be opened.*it names ./gone"):
            ArchiveTeacher(path, trust=True).labels


class TestSentence:
    def test_an_empty_sentence(self):
        with pytest.raises(ConfigurationError, match="at least one word, found an empty one"):
            Sentence.of(instance([]))

    def test_no_words(self):
        with pytest.raises(ConfigurationError, match="in a field tokens or words, found other"):
            Sentence.of(Instance({"other": TextField([], {})}))
