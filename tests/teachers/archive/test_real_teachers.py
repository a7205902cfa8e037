"""The teacher archives of ALLENNLP_KD_TEACHERS, trained by stock AllenNLP."""

import os
from pathlib import Path

import pytest
import torch
from allennlp.data import Batch, Token
from allennlp.models import load_archive

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.teachers.archive.test_archive import collated
from tests.teachers.parsers import collated as parser_inputs, opened, stock_scores

FOLDER = os.environ.get("ALLENNLP_KD_TEACHERS")
SENTENCES = [
    "The committee meets in Geneva on Monday .".split(),
    ["#Hello", "\u200b", "@someone"],
    ["Rain"],
]

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(FOLDER is None, reason="no data: set ALLENNLP_KD_TEACHERS"),
]


@pytest.mark.parametrize("name", ["chunk-conll2000-minilm6", "ner-wnut17-minilm6"])
def test_scores_are_stocks_live_and_stored(name, tmp_path):
    path = str(Path(FOLDER) / f"{name}.tar.gz")
    live = ArchiveTeacher(path, trust=True)
    found = live.potentials(collated(live, SENTENCES)["value"])
    stock = load_archive(path)
    stock.model.eval()
    made = [stock.dataset_reader.text_to_instance([Token(w) for w in words]) for words in SENTENCES]
    for instance in made:
        stock.dataset_reader.apply_token_indexers(instance)
    batch = Batch(made)
    batch.index_instances(stock.model.vocab)
    expected = stock.model(**batch.as_tensor_dict())
    torch.testing.assert_close(found.emissions, expected["logits"], rtol=0, atol=0)

    store = StoreTeacher(str(tmp_path / "store"), live, dtype="float16")
    store.fill([Sentence(tuple(words)) for words in SENTENCES])
    stored = store.potentials(collated(store, SENTENCES)["value"])
    largest = found.emissions[found.mask].abs().max()
    difference = (stored.emissions - found.emissions)[found.mask].abs().max()
    assert difference <= 2e-3 * largest


def test_a_parsers_scores_are_stocks_live_and_stored(tmp_path):
    path = str(Path(FOLDER) / "parser-ewt-minilm6.tar.gz")
    sentences = [Sentence(tuple(words)) for words in SENTENCES]
    live = opened(path, trust=True)
    found = live.potentials(parser_inputs(live, sentences))
    cells = found.arc_mask
    _, arcs, labels = stock_scores(path, sentences)
    assert_near((found.arcs - arcs[:, 1:])[cells], arcs[:, 1:][cells], 1e-5)
    assert_near((found.label_scores() - labels[:, 1:])[cells], labels[:, 1:][cells], 1e-5)
    for dtype, tolerance in (("float32", 1e-5), ("float16", 2e-3)):
        store = StoreTeacher(str(tmp_path / dtype), live, dtype=dtype)
        store.fill(sentences)
        stored = store.potentials(parser_inputs(store, sentences))
        assert_near((stored.arcs - found.arcs)[cells], found.arcs[cells], tolerance)
        difference = (stored.label_scores() - found.label_scores())[cells]
        assert_near(difference, found.label_scores()[cells], tolerance)


def assert_near(difference, scores, tolerance) -> None:
    assert float(difference.abs().max()) <= tolerance * max(1.0, float(scores.abs().max()))
