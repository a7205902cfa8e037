"""While an archive of unknown origin is opened, nothing reaches the network."""

import json
import shutil
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Tokenizer
from allennlp.data.tokenizers import SpacyTokenizer

from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.archive.nothing_fetched import nothing_fetched


@pytest.mark.attack("fetching by default", "teacher")
@DatasetReader.register("test_fetches_by_default")
class FetchesByDefault(DatasetReader):
    """As several readers of AllenNLP: its tokenizer is spaCy's, where the configuration names none."""

    def __init__(self, tokenizer: Tokenizer = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tokenizer = tokenizer or SpacyTokenizer()


@DatasetReader.register("test_connects")
class Connects(DatasetReader):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        socket.create_connection(("192.0.2.1", 80), timeout=1)


@pytest.mark.parametrize("kind, message", [
    ("test_fetches_by_default", "needs the spaCy pipeline 'en_core_web_sm', which it does not contain"),
    ("test_connects", "needs the network, which it does not contain"),
])  # fmt: skip
def test_defaults_that_fetch(kind: str, message: str, place: Path) -> None:
    config = json.loads((place / "files" / "config.json").read_text())
    config["dataset_reader"] = {"type": kind}
    config.pop("validation_dataset_reader", None)
    (place / "files" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigurationError, match=message):
        ArchiveTeacher(str(place / "files")).labels


def test_an_honest_archive_opens_without_sockets(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def blocked(*arguments: Any, **options: Any) -> None:
        pytest.fail("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", blocked)
    monkeypatch.setattr(socket, "getaddrinfo", blocked)
    assert ArchiveTeacher(str(place / "files")).labels
    shutil.rmtree(place / "files")


def test_other_threads_keep_the_network() -> None:
    found = []
    with nothing_fetched("x"):
        with pytest.raises(ConfigurationError, match="x needs the network"):
            socket.getaddrinfo("127.0.0.1", 80)
        thread = threading.Thread(target=lambda: found.append(socket.getaddrinfo("127.0.0.1", 80)))
        thread.start()
        thread.join()
    assert found and socket.getaddrinfo("127.0.0.1", 80)
