import tarfile
from pathlib import Path

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from transformers import AutoModel

from allennlp_kd.modules.weight_sources import archived_weights, published_weights

PREFIX = "text_field_embedder.token_embedder_tokens._matched_embedder.transformer_model."


def save_archive(folder: Path, weights, packed: bool) -> str:
    folder.mkdir()
    torch.save(weights, folder / "weights.th")
    if not packed:
        return str(folder)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(folder / "weights.th", arcname="weights.th")
    return str(folder / "model.tar.gz")


@pytest.fixture
def name(checkpoint) -> str:
    return checkpoint("bert", depth=3)


@pytest.fixture
def state(name):
    return AutoModel.from_pretrained(name).state_dict()


@pytest.mark.parametrize("kind", ["bert", "electra", "distilbert", "roberta"])
@pytest.mark.parametrize("packed", [True, False])
def test_finds_the_transformer_in_an_archive(checkpoint, tmp_path, kind, packed):
    name = checkpoint(kind, depth=3)
    state = AutoModel.from_pretrained(name).state_dict()
    archived = {PREFIX + key: value for key, value in state.items()}
    archived["crf.transitions"] = torch.zeros(2, 2)
    found = archived_weights(save_archive(tmp_path / "run", archived, packed), name)
    assert found.depth == 3
    assert found.state.keys() == state.keys()
    assert all(torch.equal(found.state[key], state[key]) for key in state)


def test_counts_the_layers_of_the_archive_and_not_of_the_checkpoint(state, name, tmp_path):
    archived = {PREFIX + key: value for key, value in state.items() if ".2." not in key}
    assert archived_weights(save_archive(tmp_path / "run", archived, True), name).depth == 2


def test_needs_no_published_weights(state, name, tmp_path):
    archive = save_archive(tmp_path / "run", state, True)
    (Path(name) / "pytorch_model.bin").unlink()
    assert archived_weights(archive, name).depth == 3
    with pytest.raises(ConfigurationError, match=f"model_name '{name}' cannot be opened"):
        published_weights(name, 17)


class TestBadArchives:
    def test_two_transformers(self, state, name, tmp_path):
        archived = {f"{side}.{key}": state[key] for side in ("one", "two") for key in state}
        archive = save_archive(tmp_path / "run", archived, True)
        with pytest.raises(ConfigurationError, match="2 transformers.*'one.', 'two.'"):
            archived_weights(archive, name)
        assert archived_weights(archive, name, prefix="two.").depth == 3

    def test_no_transformer(self, name, tmp_path):
        archive = save_archive(tmp_path / "run", {"crf.transitions": torch.zeros(1)}, True)
        with pytest.raises(ConfigurationError, match="no transformer weights.*'crf.transitions'"):
            archived_weights(archive, name)

    def test_wrong_prefix(self, state, name, tmp_path):
        archive = save_archive(tmp_path / "run", state, True)
        with pytest.raises(ConfigurationError, match="at the prefix 'nowhere.'"):
            archived_weights(archive, name, prefix="nowhere.")

    def test_missing(self, name, tmp_path):
        path = str(tmp_path / "absent.tar.gz")
        with pytest.raises(ConfigurationError, match=f"does not exist: '{path}'"):
            archived_weights(path, name)

    def test_folder_without_weights(self, name, tmp_path):
        with pytest.raises(ConfigurationError, match="no weights.th"):
            archived_weights(str(tmp_path), name)

    def test_truncated(self, state, name, tmp_path):
        path = Path(save_archive(tmp_path / "run", state, True))
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(ConfigurationError, match="cannot be read.*model.tar.gz"):
            archived_weights(str(path), name)

    def test_no_weights_inside(self, name, tmp_path):
        with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as archive:
            archive.add(Path(name) / "config.json", arcname="config.json")
        with pytest.raises(ConfigurationError, match="no weights.th"):
            archived_weights(str(tmp_path / "model.tar.gz"), name)


def test_a_missing_checkpoint_folder(tmp_path):
    path = str(tmp_path / "absent")
    with pytest.raises(ConfigurationError, match=f"not a folder: '{path}'"):
        published_weights(path, 17)


def test_published_weights_are_fitted_to_the_tokenizer(checkpoint):
    name = checkpoint("bert", vocab_size=24)
    weights = published_weights(name, 17)
    assert weights.state["embeddings.word_embeddings.weight"].shape == (17, 8)


def test_published_half_precision_is_trained_in_single(checkpoint):
    name = checkpoint("bert", torch_dtype="float16")
    weights = published_weights(name, 17, {"torch_dtype": torch.float16})
    assert {value.dtype for value in weights.state.values() if value.is_floating_point()} == {
        torch.float32
    }
