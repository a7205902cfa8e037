"""Words of very many characters cost neither memory for good nor exactness."""

import sys
from pathlib import Path
from typing import Any

import numpy
import pytest

from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from spacy_bridge.runtime.words import sources
from spacy_bridge.runtime.words.sources import WordTable
from tests.spacy_bridge.archives import CHARACTERS, tagger
from tests.spacy_bridge.pipelines import pipeline
from tests.spacy_bridge.test_processes import run

WORDS = ["a", "antidisestablishmentarianism" * 2, "Never" * 9, "ab" * 20 + "x", "abcdefgh"]


def encoder(archive_of: Any, **options: Any) -> Any:
    """The function from words to vectors of a packaged tagger whose only input is characters."""
    embedder = {
        "type": "character_encoding",
        "embedding": {"embedding_dim": 6, "vocab_namespace": "token_characters"},
        "encoder": {"embedding_dim": 6, **options},
    }
    size = 9 if "hidden_size" in options else options.get("output_dim") or 21
    config = tagger(
        indexers={"characters": CHARACTERS},
        embedders={"characters": embedder},
        encoder={"type": "pass_through", "input_dim": size},
    )
    files = student_files(archive_of(config))
    return lambda: open_student({**files, "manifest.json": sum_up(files)})._encode


CNN = {"type": "cnn", "num_filters": 7, "ngram_filter_sizes": [2, 3, 5]}


@pytest.mark.parametrize("longest", [5, 6, 8, 30])
def test_a_convolution_over_parts_is_one_over_the_word(
    longest: int, archive_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = encoder(archive_of, **CNN)
    whole = encode()([WORDS])
    monkeypatch.setattr(sources, "LONGEST_WORD", longest)
    assert numpy.allclose(encode()([WORDS]), whole, atol=1e-6)


def test_where_parts_say_nothing_of_the_word_it_is_cut(
    archive_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = encoder(archive_of, **CNN, output_dim=4)
    cut = encode()([[word[:6] for word in WORDS]])
    whole = encode()([WORDS])
    monkeypatch.setattr(sources, "LONGEST_WORD", 6)
    found = encode()([WORDS])
    assert numpy.allclose(found, cut, atol=1e-6)
    assert not numpy.allclose(found, whole, atol=1e-3)


def test_long_words_are_not_kept() -> None:
    class Source:
        size = 1
        asked = 0

        def __call__(self, words: Any) -> numpy.ndarray:
            Source.asked += len(words)
            return numpy.array([[len(word)] for word in words], numpy.float32)

    table = WordTable({"lengths": Source()}, characters=10)
    assert table(["a" * 6, "b", "b"]).tolist() == [[6], [1], [1]]
    table(["b"])
    assert Source.asked == 2
    assert table(["c" * 9, "b"]).tolist() == [[9], [1]]
    assert not table._rows and not len(table._vectors)
    table(["b"])
    assert Source.asked == 4


def test_a_token_of_900_000_characters_leaves_no_memory_behind(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("reads /proc")
    pipeline().to_disk(tmp_path / "nlp")
    before, after = run(
        "-c",
        "import sys; sys.modules.update(torch=None, transformers=None)\n"
        "import spacy\n"
        "def resident():\n"
        "    return int(open('/proc/self/statm').read().split()[1])\n"
        f"nlp = spacy.load({str(tmp_path / 'nlp')!r})\n"
        "nlp.max_length = 2000000\n"
        "nlp('The fox jumps. It is lazy. ' * 20)\n"
        "before = resident()\n"
        "nlp('The ' + 'fox' * 300000 + ' jumps.')\n"
        "print(before, resident())",
    ).split()
    assert int(after) <= 1.2 * int(before)
