from pathlib import Path

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.common.params import Params

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.chain import viterbi
from allennlp_kd.structs.tree import maximum_spanning_tree
from allennlp_kd.teachers.stanza_teacher import StanzaTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from tests.teachers.stanza_models import WORDS, write_download, write_models

SENTENCES = [*WORDS, ["Ann", "rains"], ["Lee"], ["unheard", "of", "Bonn", "Bob", "runs", "."]]
BIOES = {"L-": "E-", "U-": "S-"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    pytest.importorskip("stanza", reason="the package stanza is not installed")
    folder = tmp_path_factory.mktemp("stanza") / "models"
    return str(folder), write_models(folder)


def teacher(models, processor, **more):
    return StanzaTeacher(models[0], processor, options=models[1][processor], cuda_device=-1, **more)


def scored(found):
    return found.score([Sentence(tuple(words)) for words in SENTENCES])


def decided(models, processors):
    import stanza

    nlp = stanza.Pipeline(
        "en", dir=models[0], processors=processors, tokenize_pretokenized=True, use_gpu=False,
        download_method=None, verbose=False, **models[1][processors.split(",")[-1]],
    )  # fmt: skip
    return [nlp([words]).sentences[0] for words in SENTENCES]


@pytest.mark.slow
def test_entities_are_those_of_stanza_s_decoder(models):
    from stanza.models.ner.trainer import fix_singleton_tags

    found = teacher(models, "ner")
    assert found.structure == "chain" and {"O", "U-PER", "B-PER", "L-PER", "U-LOC"} == set(
        found.labels
    )
    potentials = scored(found)
    assert potentials.transitions.any()
    best = viterbi(potentials)[0]
    for row, sentence in enumerate(decided(models, "tokenize,ner")):
        tags = [found.labels[tag] for tag in best[row, : len(SENTENCES[row])].tolist()]
        ours = fix_singleton_tags([BIOES.get(tag[:2], tag[:2]) + tag[2:] for tag in tags])
        assert ours == [token.ner for token in sentence.tokens]


@pytest.mark.slow
@pytest.mark.parametrize("column", ["upos", "xpos"])
def test_tags_are_those_of_stanza(models, column):
    found = teacher(models, "pos", column=column)
    potentials = scored(found)
    for row, sentence in enumerate(decided(models, "tokenize,pos")):
        best = potentials.emissions[row, : len(SENTENCES[row])].argmax(1).tolist()
        assert [found.labels[tag] for tag in best] == [getattr(w, column) for w in sentence.words]


@pytest.mark.slow
def test_trees_are_those_of_stanza_s_decoder(models):
    found = teacher(models, "depparse")
    assert found.structure == "tree" and "nsubj" in found.labels
    potentials = scored(found)
    # Stanza searches the best tree by the heads' scores alone, then takes each arc's best label.
    heads = maximum_spanning_tree(potentials.without_labels())[0]
    best = potentials.label_scores().argmax(dim=3)
    labels = best.gather(2, heads.unsqueeze(2)).squeeze(2)
    for row, sentence in enumerate(decided(models, "tokenize,pos,lemma,depparse")):
        length = len(SENTENCES[row])
        assert heads[row, :length].tolist() == [word.head for word in sentence.words]
        names = [found.labels[label] for label in labels[row, :length].tolist()]
        assert names == [word.deprel for word in sentence.words]
    # The factors are Stanza's own label scores.
    opened = found._open()
    opened.pipeline([SENTENCES[0]])
    dependents, governors = opened.recorded["sides"]
    expected = opened.model.deprel.scorer(dependents, governors)[0, 1:, :, -len(found.labels) :]
    words = len(SENTENCES[0])
    ours = potentials.label_scores()[0, :words, : words + 1]
    assert torch.allclose(ours, expected, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["ner", "depparse"])
def test_a_store_holds_its_scores(models, tmp_path, processor):
    config = {
        "type": "stanza",
        "model": models[0],
        "processor": processor,
        "options": models[1][processor],
    }
    live = Teacher.from_params(Params(dict(config, cuda_device=-1)))
    store = StoreTeacher(str(tmp_path), Teacher.from_params(Params(dict(config, cuda_device=-1))))
    sentences = [Sentence(tuple(words)) for words in SENTENCES]
    assert store.fill(sentences) == len(SENTENCES) and store.fill(sentences) == 0
    assert store.labels == live.labels
    other = teacher(models, "pos")
    assert len({live.fingerprint, other.fingerprint, teacher(models, processor).fingerprint}) == 2


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["ner", "depparse"])
def test_the_fingerprint_is_of_all_models_of_a_download(models, tmp_path, processor):
    """Stanza keeps the paths of entity models in lists."""
    parts = {"ner": ("ner",), "depparse": ("pos", "depparse")}[processor]
    folder = write_download(Path(models[0]), tmp_path / "one", parts)
    found = StanzaTeacher(str(folder), processor, cuda_device=-1)
    names = [Path(path).parent.name for path in found._files()]
    assert sorted(names) == sorted(["pretrain", *parts])
    assert found.parameters > 0 and found.size == sum(
        (folder / "en" / name / "tiny.pt").stat().st_size for name in names
    )
    for name in names:
        other = write_download(Path(models[0]), tmp_path / name, parts)
        path = other / "en" / name / "tiny.pt"
        path.write_bytes(path.read_bytes() + b" ")
        assert StanzaTeacher(str(other), processor, cuda_device=-1).fingerprint != found.fingerprint


@pytest.mark.slow
@pytest.mark.parametrize("processor", ["ner", "pos", "depparse"])
def test_its_decisions_are_stanza_s(models, processor):
    found = teacher(models, processor)
    rows = found.decisions(scored(found))
    processors = {"ner": "tokenize,ner", "pos": "tokenize,pos"}
    for row, sentence in enumerate(
        decided(models, processors.get(processor, "tokenize,pos,lemma,depparse"))
    ):
        length = len(SENTENCES[row])
        labels = [found.labels[label] for label in rows["labels"][row, :length].tolist()]
        if processor == "depparse":
            assert rows["heads"][row, :length].tolist() == [word.head for word in sentence.words]
            assert labels == [word.deprel for word in sentence.words]
        elif processor == "pos":
            assert labels == [word.upos for word in sentence.words]
        else:
            assert [label[:1] == "O" for label in labels] == [t.ner == "O" for t in sentence.tokens]


def test_unknown_options():
    with pytest.raises(ConfigurationError, match="must be one of ner, pos, depparse, found 'x'"):
        StanzaTeacher("folder", "x")
    with pytest.raises(ConfigurationError, match="needs processor pos; found 'xpos' for ner"):
        StanzaTeacher("folder", "ner", column="xpos")


def test_what_is_no_folder_of_models(tmp_path):
    pytest.importorskip("stanza", reason="the package stanza is not installed")
    with pytest.raises(ConfigurationError, match="resources.json is missing"):
        _ = StanzaTeacher(str(tmp_path), "ner").labels


@pytest.mark.slow
def test_a_missing_model(models):
    options = {**models[1]["ner"], "ner_model_path": "nowhere.pt"}
    with pytest.raises(ConfigurationError, match="Stanza's ner in .* cannot be opened"):
        _ = StanzaTeacher(models[0], "ner", options=options, cuda_device=-1).labels


@pytest.mark.slow
@pytest.mark.parametrize(
    "processor, given",
    [("ner", "pos"), ("ner", "pretrain"), ("pos", "ner"), ("pos", "depparse"), ("depparse", "ner")],
)
def test_a_model_of_another_kind(models, processor, given):
    path = f"{models[0]}/{given}.pt"
    options = {**models[1][processor], f"{processor}_model_path": path}
    with pytest.raises(ConfigurationError, match=f"Stanza's {processor} in .* of another kind"):
        _ = StanzaTeacher(models[0], processor, options=options, cuda_device=-1).labels


def test_without_stanza(monkeypatch, tmp_path):
    import sys

    monkeypatch.setitem(sys.modules, "stanza", None)
    with pytest.raises(ConfigurationError, match="pip install stanza"):
        _ = StanzaTeacher(str(tmp_path), "pos").labels
