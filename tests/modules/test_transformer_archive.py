"""A student of chosen layers, from training to prediction with its sources gone."""

import json
import shutil
import tarfile
from copy import deepcopy
from pathlib import Path

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.util import import_module_and_submodules
from allennlp.data import Token
from allennlp.data.dataset_readers import DatasetReader
from allennlp.models import load_archive

import allennlp_kd.modules.pretrained_transformer_layers_embedder  # noqa: F401
import allennlp_kd.modules.pretrained_transformer_layers_indexer  # noqa: F401

SENTENCES = ["the###D cats###N running###V .###P", "a###D dog###N", "dogs###N sleeping###V"]


@DatasetReader.register("wrapping-for-layers-test", exist_ok=True)
class WrappingReader(DatasetReader):
    """A reader around another one, as the one that adds a teacher's inputs."""

    def __init__(self, reader: DatasetReader, **kwargs) -> None:
        super().__init__(**kwargs)
        self.reader = reader

    def _read(self, file_path):
        yield from self.reader._read(file_path)

    def apply_token_indexers(self, instance) -> None:
        self.reader.apply_token_indexers(instance)

    def text_to_instance(self, *inputs):
        return self.reader.text_to_instance(*inputs)


def config(folder: Path, name: str, wrapped: bool, **embedder) -> dict:
    data = folder / "train.txt"
    data.write_text("\n".join(SENTENCES) + "\n", encoding="utf-8")
    transformer = {"type": "pretrained_transformer_layers", "model_name": name}
    reader = {"type": "sequence_tagging", "token_indexers": {"tokens": transformer}}
    wrapping = {"type": "wrapping-for-layers-test", "reader": reader}
    return {
        "dataset_reader": wrapping if wrapped else reader,
        "train_data_path": str(data),
        "validation_data_path": str(data),
        "model": {
            "type": "crf_tagger",
            "text_field_embedder": {"token_embedders": {"tokens": {**transformer, **embedder}}},
            "encoder": {"type": "pass_through", "input_dim": 8},
        },
        "data_loader": {"batch_size": 2},
        "trainer": {"optimizer": "adam", "num_epochs": 2, "cuda_device": -1},
    }


def outputs(archive):
    reader = archive.dataset_reader
    words = [["the", "dogs", "running"], ["cat", "."]]
    inner = getattr(reader, "reader", reader)
    instances = [inner.text_to_instance([Token(word) for word in row]) for row in words]
    for instance in instances:
        reader.apply_token_indexers(instance)
    with torch.no_grad():
        found = archive.model.eval().forward_on_instances(instances)
    return [(row["logits"].tolist(), row["tags"]) for row in found]


@pytest.fixture(scope="module", autouse=True)
def crf_tagger():
    import_module_and_submodules("allennlp_models.tagging")


@pytest.mark.parametrize("wrapped", [False, True])
def test_predicts_the_same_with_the_checkpoint_gone(checkpoint, tmp_path, wrapped):
    name = checkpoint("bert", depth=4)
    params = config(tmp_path, name, wrapped, layers=[0, 2])
    train_model(Params(deepcopy(params)), str(tmp_path / "run"))
    before = outputs(load_archive(str(tmp_path / "run")))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    shutil.move(str(tmp_path / "run" / "model.tar.gz"), str(elsewhere))
    shutil.rmtree(name)
    shutil.rmtree(tmp_path / "run")
    archive = load_archive(str(elsewhere / "model.tar.gz"))
    assert outputs(archive) == before
    with tarfile.open(elsewhere / "model.tar.gz") as packed:
        assert json.load(packed.extractfile("config.json"))["model"] == params["model"]


def test_a_students_archive_is_a_teachers_too(checkpoint, tmp_path):
    name = checkpoint("bert", depth=4)
    train_model(Params(config(tmp_path, name, False, layers=[0, 2])), str(tmp_path / "one"))
    teacher = str(tmp_path / "one" / "model.tar.gz")
    params = config(tmp_path, name, False, layers=1, from_archive=teacher)
    model = train_model(Params(deepcopy(params)), str(tmp_path / "two"))
    transformer = model.text_field_embedder.token_embedder_tokens._transformer
    assert len(transformer.encoder.layer) == 1
    before = outputs(load_archive(str(tmp_path / "two" / "model.tar.gz")))
    shutil.rmtree(name)
    shutil.rmtree(tmp_path / "one")
    assert outputs(load_archive(str(tmp_path / "two" / "model.tar.gz"))) == before


def test_a_run_killed_before_it_saved_anything_is_resumed(checkpoint, tmp_path):
    name = checkpoint("bert", depth=2)
    params = config(tmp_path, name, False, layers=1)
    killed = {**params, "trainer": {**params["trainer"], "optimizer": "no such optimizer"}}
    with pytest.raises(Exception, match="no such optimizer"):
        train_model(Params(deepcopy(killed)), str(tmp_path / "run"))
    # As if the kill had come before the vocabulary was written.
    for path in (tmp_path / "run" / "vocabulary").iterdir():
        if path.name != ".transformers":
            path.unlink()
    Params(deepcopy(params)).to_file(str(tmp_path / "run" / "config.json"))
    train_model(Params(deepcopy(params)), str(tmp_path / "run"), recover=True)
    load_archive(str(tmp_path / "run" / "model.tar.gz"))
