import pytest

from tests.teachers.archives import train_tagger


@pytest.fixture(scope="session")
def tagger_archive(tmp_path_factory) -> str:
    return train_tagger(tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="session")
def other_tagger_archive(tmp_path_factory) -> str:
    return train_tagger(tmp_path_factory.mktemp("other"), include_start_end_transitions=False)
