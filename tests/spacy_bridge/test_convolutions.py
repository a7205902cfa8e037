"""Packaged students of hashed features and convolutions say what AllenNLP says."""

from pathlib import Path
from typing import Any, Dict

import numpy
import pytest

import allennlp_kd.plugin  # noqa: F401
from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.spacy_bridge.archives import WORDS, parser, predict, tagger

FEATURES = {"type": "word_features"}
HASHED = {"type": "hashed_embedding", "output_dim": 12, "width": 8, "rows": 300}
CONVOLUTIONS = {"type": "dilated_convolutions", "input_dim": 12, "dilations": [1, 2, 1]}


def inputs(embedder: Any = None, indexer: Any = None, encoder: Any = None) -> Dict[str, Any]:
    return {
        "indexers": {"features": indexer or FEATURES},
        "embedders": {"features": embedder or HASHED},
        "encoder": encoder or CONVOLUTIONS,
    }


BESIDE = inputs(encoder={**CONVOLUTIONS, "input_dim": 16, "hidden_dim": 10, "activation": "glu"})
BESIDE["indexers"]["tokens"] = WORDS
BESIDE["embedders"]["tokens"] = {"type": "embedding", "embedding_dim": 4}
CONFIGS = {
    "default": inputs(),
    "three pieces, dropout": inputs(
        {**HASHED, "pieces": 3, "feature_dropout": 0.2},
        encoder={**CONVOLUTIONS, "pieces": 3, "dropout": 0.2, "hidden_dim": 12},
    ),
    "some features, wide dilations": inputs(
        {**HASHED, "features": ["lower", "suffix3"], "rows": {"lower": 50, "suffix3": 20}},
        {**FEATURES, "features": ["lower", "suffix3"]},
        {"type": "dilated_convolutions", "input_dim": 12, "dilations": [40, 1, 3, 40]},
    ),
    "beside words, gated, projected": BESIDE,
}


def opened(path: Path, **options: Any) -> Any:
    files = student_files(path, **options)
    return open_student({**files, "manifest.json": sum_up(files)})


@pytest.mark.parametrize("name", CONFIGS)
def test_a_tagger_equals_allennlp(name: str, archive_of: Any, sentences: Any) -> None:
    path = archive_of(tagger(**CONFIGS[name]), scale=2.0)
    student, expected = opened(path), predict(path, sentences)
    assert student(sentences) == [output["tags"] for output in expected]
    batch = sorted(range(len(sentences)), key=lambda row: -len(sentences[row]))
    (emissions,), layout = student.outputs([sentences[row] for row in batch])
    for row, slots, length in zip(batch, layout.slots, layout.lengths):
        logits = expected[row]["logits"][:length]
        assert numpy.abs(emissions[slots[:length]] - logits).max() < 1e-4
    assert len({tag for output in expected for tag in output["tags"]}) > 2


def test_a_parser_equals_allennlp(archive_of: Any, sentences: Any) -> None:
    parts = inputs()
    config = parser(encoder=parts["encoder"])
    config["dataset_reader"]["token_indexers"] = parts["indexers"]
    config["model"]["text_field_embedder"]["token_embedders"] = parts["embedders"]
    path = archive_of(config, scale=1.5)
    sentences = [list(dict.fromkeys(words)) for words in sentences]
    for parsed, output in zip(opened(path)(sentences), predict(path, sentences)):
        assert parsed.heads == list(output["predicted_heads"])
        assert parsed.labels == output["predicted_dependencies"]


def test_int8_is_near_and_a_word_is_the_same_in_every_batch(
    archive_of: Any, sentences: Any
) -> None:
    path = archive_of(tagger(**CONFIGS["default"]), scale=1.0)
    exact, near = opened(path), opened(path, int8=True)
    tables = [exact._encode(sentences), near._encode(sentences)]
    assert 0 < numpy.abs(tables[0] - tables[1]).max() < 0.1
    words = [word for words in sentences for word in words]
    rows = [numpy.abs(exact._encode([[word]])[0]) for word in words[:20]]
    assert numpy.allclose(numpy.abs(tables[0][:20]), rows, atol=1e-6)
    agreed = [
        one == other for tags in zip(exact(sentences), near(sentences)) for one, other in zip(*tags)
    ]
    assert sum(agreed) > 0.9 * len(agreed)


def test_what_is_refused(archive_of: Any) -> None:
    unlike = inputs(
        {**HASHED, "features": ["form", "lower"]}, {**FEATURES, "features": ["form", "shape"]}
    )
    path = archive_of(tagger(**unlike))
    with pytest.raises(UnsupportedError, match=r"must be the same, found \['form', 'shape'\] and"):
        student_files(path)
