import pytest

from tests.teachers.archives import train_tagger
from tests.teachers.parsers import train_parser


@pytest.fixture(scope="session")
def tagger_archive(tmp_path_factory) -> str:
    return train_tagger(tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="session")
def other_tagger_archive(tmp_path_factory) -> str:
    return train_tagger(tmp_path_factory.mktemp("other"), include_start_end_transitions=False)


@pytest.fixture(scope="session")
def plain_parser(tmp_path_factory) -> str:
    return train_parser(tmp_path_factory.mktemp("plain"), with_tags=False)


@pytest.fixture(scope="session")
def tagged_parser(tmp_path_factory) -> str:
    return train_parser(tmp_path_factory.mktemp("tagged"), with_tags=True)
