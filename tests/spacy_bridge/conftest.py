"""Archives that several tests share."""

import random
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from tests.spacy_bridge import archives


@pytest.fixture(scope="session")
def archive_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes an archive of a configuration once a session."""
    made: Dict[str, Path] = {}

    def make(config: Dict[str, Any], **options: Any) -> Path:
        key = repr((config, options))
        if key not in made:
            folder = tmp_path_factory.mktemp("archive") / "student"
            made[key] = archives.make_archive(folder, config, **options)
        return made[key]

    return make


@pytest.fixture(scope="session")
def sentences() -> List[List[str]]:
    """Ragged sentences of known and unknown words, one of a single word, some long."""
    random_words = random.Random(7)
    known = [word for sentence in archives.SENTENCES for word in sentence.split()]
    unknown = ["x", "antidisestablishmentarianism", "ÅNGSTRÖM", "日本語", "\u200b", "İstanbul", "ß"]
    return [
        [
            random_words.choice(known if random_words.random() < 0.7 else unknown)
            for _ in range(length)
        ]
        for length in [1, 2, 3, 1, 7, 30, 12, 5, 9, 21, 4, 4, 70]
    ]
