import os
from pathlib import Path

import pytest
from allennlp.common import cached_transformers
from allennlp.common.checks import ConfigurationError

from allennlp_kd.modules.carried_transformer import (
    FOLDER,
    carried_folder,
    carry,
    past_the_cache,
    temporary_folder,
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "config.json").write_text("{}")
    return tmp_path / "source"


def test_carries_the_files_into_the_vocabulary_folder(source, tmp_path):
    carry(str(source), str(tmp_path), "t", 0)
    folder = tmp_path / "vocabulary" / ".transformers" / "t"
    assert [path.name for path in folder.iterdir()] == ["config.json"]
    assert carried_folder(str(tmp_path), "t", None) == folder


def test_carrying_the_same_again_is_no_fault(source, tmp_path):
    for _ in range(2):
        carry(str(source), str(tmp_path), "t", 0)


def test_refuses_to_replace_another_transformer(source, tmp_path):
    carry(str(source), str(tmp_path), "t", 0)
    (source / "config.json").write_text("[]")
    with pytest.raises(ConfigurationError, match="config.json.*carried_as of its own"):
        carry(str(source), str(tmp_path), "t", 0)
    carry(str(source), str(tmp_path), "u", 0)


def test_a_kill_leaves_nothing_that_an_archive_would_include(source, tmp_path):
    child = os.fork()
    if child == 0:
        os.replace = lambda *paths: os._exit(9)  # with the file written, and without its name
        carry(str(source), str(tmp_path), "t", 0)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    folder = tmp_path / FOLDER / "t"
    assert [path.name[0] for path in folder.iterdir()] == ["."]
    carry(str(source), str(tmp_path), "t", 0)
    assert [path.name for path in folder.iterdir()] == ["config.json"]


@pytest.mark.parametrize("local_rank", [None, 1])
def test_only_the_first_training_process_writes(source, tmp_path, local_rank):
    carry(str(source), str(tmp_path), "t", local_rank)
    assert not (tmp_path / FOLDER).exists()


def test_training_never_builds_from_what_it_carries(source, tmp_path):
    carry(str(source), str(tmp_path), "t", 0)
    assert carried_folder(str(tmp_path), "t", 0) is None
    assert carried_folder(str(tmp_path), "t", 1) is None


def test_nothing_is_carried_without_a_run(source, tmp_path):
    carry(str(source), None, "t", 0)
    assert carried_folder(None, "t", None) is None
    assert carried_folder(str(tmp_path), "t", None) is None


@pytest.mark.parametrize("name", ["", "../t", "a/b", ".t"])
def test_refuses_names_that_lead_elsewhere(tmp_path, name):
    with pytest.raises(ConfigurationError, match="carried_as must be a plain name"):
        carried_folder(str(tmp_path), name, None)


def test_the_cache_forgets_one_path_alone(monkeypatch):
    models = {cached_transformers.TransformerSpec(name): name for name in ("mine", "other")}
    tokenizers = {("mine", "hash"): "mine", ("other", "hash"): "other"}
    monkeypatch.setattr(cached_transformers, "_model_cache", models)
    monkeypatch.setattr(cached_transformers, "_tokenizer_cache", tokenizers)
    with past_the_cache("mine"):
        assert list(models.values()) == list(tokenizers.values()) == ["other"]
        models[cached_transformers.TransformerSpec("mine")] = "mine"
    assert list(models.values()) == ["other"]


def test_a_temporary_folder_is_removed():
    with temporary_folder() as folder:
        assert Path(folder).is_dir()
    assert not Path(folder).exists()
