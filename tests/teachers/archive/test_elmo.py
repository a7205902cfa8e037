"""Teachers with ELMo: the options file is named, the weights are in the archive."""

import json
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.data import Batch, Token
from allennlp.models import load_archive

from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.teachers.archive.test_archive import collated
from tests.teachers.archives import train_tagger
from tests.teachers.elmo import OPTIONS, write_elmo


def train(folder: Path, files: Dict[str, str], **options: Any) -> str:
    embedder = {"type": "elmo_token_embedder", "dropout": 0.0, **files, **options}
    return train_tagger(
        folder,
        indexer={"type": "elmo_characters"},
        text_field_embedder={"token_embedders": {"tokens": embedder}},
        encoder={"type": "pass_through", "input_dim": 8},
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, str]:
    return write_elmo(tmp_path_factory.mktemp("elmo") / "files")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, files: Dict[str, str]) -> str:
    return train(tmp_path_factory.mktemp("elmo"), files)


def stock_logits(archive: str) -> torch.Tensor:
    stock = load_archive(archive)
    stock.model.eval()
    sentences = [("the", "cat", "runs"), ("unheard",), ("a", "dog", "runs", "#1", "cat")]
    batch = Batch([stock.dataset_reader.text_to_instance([Token(w) for w in s]) for s in sentences])
    batch.index_instances(stock.model.vocab)
    with torch.no_grad():
        return stock.model(**batch.as_tensor_dict())["logits"]


@pytest.mark.parametrize("given", ["options", "options and weights", "trust"])
def test_scores_are_those_of_the_stock_model(archive, files, given):
    options = {"trust": True} if given == "trust" else {"elmo_options": files["options_file"]}
    if given == "options and weights":
        options["elmo_weights"] = files["weight_file"]
    teacher = ArchiveTeacher(archive, -1, **options)
    found = teacher.potentials(collated(teacher)["value"])
    assert found.emissions.std() > 1e-3
    torch.testing.assert_close(found.emissions, stock_logits(archive), rtol=0, atol=0)


def test_the_weight_file_is_not_needed(archive, files, tmp_path):
    """Neither for an archive whose ELMo has another number of characters."""
    other = write_elmo(tmp_path / "files", characters=300)
    path = train(tmp_path / "made", other)
    expected = stock_logits(path)
    Path(other["weight_file"]).unlink()
    teacher = ArchiveTeacher(path, -1, elmo_options=other["options_file"])
    found = teacher.potentials(collated(teacher)["value"])
    torch.testing.assert_close(found.emissions, expected, rtol=0, atol=0)


def test_the_fingerprint_covers_the_options(archive, files, tmp_path):
    changed = tmp_path / "options.json"
    changed.write_text(Path(files["options_file"]).read_text())
    before = ArchiveTeacher(archive, elmo_options=files["options_file"]).fingerprint
    assert ArchiveTeacher(archive, elmo_options=str(changed)).fingerprint == before
    changed.write_text(json.dumps({**OPTIONS, "more": 1}))
    assert ArchiveTeacher(archive, elmo_options=str(changed)).fingerprint != before


class TestErrors:
    def test_nothing_given(self, archive):
        message = "set 'elmo_options' to ELMo's options file, or 'trust: true' if you trust"
        with pytest.raises(ConfigurationError, match=message):
            ArchiveTeacher(archive).labels

    def test_no_elmo(self, tagger_archive, files):
        message = "has no elmo_token_embedder, but ELMo's options file .*options.json is given"
        with pytest.raises(ConfigurationError, match=message):
            ArchiveTeacher(tagger_archive, elmo_options=files["options_file"]).labels

    def test_weights_alone(self, archive, files):
        with pytest.raises(ConfigurationError, match="weights.hdf5 without its options file"):
            ArchiveTeacher(archive, elmo_weights=files["weight_file"]).labels

    @pytest.mark.parametrize("content", [None, "{", "[]", '{"lstm": {}}'])
    def test_no_options_file(self, archive, tmp_path, content):
        path = tmp_path / "options.json"
        if content is not None:
            path.write_text(content)
        with pytest.raises(ConfigurationError, match="options.json is not a readable options file"):
            ArchiveTeacher(archive, elmo_options=str(path)).labels

    def test_other_sizes(self, archive, tmp_path):
        path = tmp_path / "options.json"
        path.write_text(json.dumps({**OPTIONS, "lstm": {**OPTIONS["lstm"], "dim": 6}}))
        with pytest.raises(ConfigurationError, match="do not fit its configuration: .* has shape"):
            ArchiveTeacher(archive, elmo_options=str(path)).labels

    def test_cached_words(self, tmp_path, files):
        path = train(tmp_path, files, vocab_to_cache=["the", "cat"])
        message = r"caches ELMo's word vectors \(vocab_to_cache\), .* give that file too"
        with pytest.raises(ConfigurationError, match=message):
            ArchiveTeacher(path, elmo_options=files["options_file"]).labels
        given = {
            "elmo_options": files["options_file"],
            "elmo_weights": files["weight_file"],
        }
        assert ArchiveTeacher(path, **given).structure == "chain"
