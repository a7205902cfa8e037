from dataclasses import replace

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.models import load_archive
from allennlp_models.structured_prediction.models.biaffine_dependency_parser import (
    BiaffineDependencyParser,
)
from torch.testing import assert_close

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.tree import TreePotentials
from allennlp_kd.teachers.scorers.biaffine_parser_scorer import BiaffineParserScorer
from tests.models.parsing import instances, vocabulary
from tests.models.tagging import tensors
from tests.teachers.parsers import (
    WORDS,
    collated,
    opened,
    random_sentences,
    stock_scores,
    train_parser,
)

BARE = [Sentence(sentence.words) for sentence in WORDS]
KINDS = pytest.mark.parametrize("kind", ["plain_parser", "tagged_parser"])


def path_of(kind, request) -> str:
    return request.getfixturevalue(kind)


@KINDS
def test_scores_are_those_that_stock_decodes(kind, request):
    path = path_of(kind, request)
    teacher = opened(path)
    found = teacher.potentials(collated(teacher))
    mask, arcs, labels = stock_scores(path, WORDS)
    assert torch.equal(found.mask, mask[:, 1:])
    cells = found.arc_mask
    assert_close(found.arcs[cells], arcs[:, 1:][cells], rtol=1e-5, atol=1e-5)
    assert_close(found.label_scores()[cells], labels[:, 1:][cells], rtol=1e-5, atol=1e-5)
    # The diagonal too: stock's loss and its greedy decoder have it.
    itself = torch.nn.functional.pad(torch.eye(mask.shape[1] - 1, dtype=torch.bool), (1, 0))
    itself = itself & found.mask.unsqueeze(2)
    assert_close(found.arcs[itself], arcs[:, 1:][itself], rtol=1e-5, atol=1e-5)
    assert teacher.structure == "tree"
    names = teacher._open().model.vocab.get_token_to_index_vocabulary("head_tags")
    assert {name: teacher.labels.index(name) for name in names} == names
    assert found.arcs[cells].std() > 1e-3 and found.label_scores()[cells].std() > 1e-3


def test_tags_count_only_where_they_are_embedded(plain_parser, tagged_parser):
    others = [Sentence(each.words, ("PUNCT",) * len(each.words)) for each in WORDS]
    for path, count in ((plain_parser, False), (tagged_parser, True)):
        teacher = opened(path)
        assert teacher.description()["takes_tags"] == count
        found, changed = (teacher.potentials(collated(teacher, each)) for each in (WORDS, others))
        cells = found.arc_mask
        assert torch.equal(found.arcs[cells], changed.arcs[cells]) != count


def test_no_tags(plain_parser, tagged_parser):
    teacher = opened(plain_parser)
    found, bare = (teacher.potentials(collated(teacher, each)) for each in (WORDS, BARE))
    assert torch.equal(found.arcs, bare.arcs)
    with pytest.raises(
        ConfigurationError, match="needs upos_tags, but the sentence 'the old dog .* no part-of-sp"
    ):
        collated(opened(tagged_parser), BARE)


def test_tags_of_another_set(plain_parser, tagged_parser):
    others = [Sentence(each.words, tuple(f"{tag}-2" for tag in each.tags)) for each in WORDS]
    with pytest.raises(
        ConfigurationError,
        match="knows none of the part-of-speech tags A-2, D-2, .*; it knows .*A, D",
    ):
        collated(opened(tagged_parser), others)
    collated(opened(plain_parser), others)
    one_is_known = Sentence(WORDS[0].words, WORDS[0].tags[:1] + others[0].tags[1:])
    collated(opened(tagged_parser), [one_is_known])


def test_a_reader_that_makes_no_tags_of_a_teacher_that_embeds_them(tagged_parser, monkeypatch):
    teacher = opened(tagged_parser)
    read = teacher._open().reader.text_to_instance

    def tagless(words, upos_tags):
        instance = read(words, upos_tags)
        del instance.fields["pos_tags"]
        return instance

    monkeypatch.setattr(teacher._open().reader, "text_to_instance", tagless)
    with pytest.raises(ConfigurationError, match="needs pos_tags, which its reader Universal"):
        collated(teacher)


@KINDS
def test_padding_changes_nothing(kind, request):
    teacher = opened(path_of(kind, request))
    sentences = random_sentences([3, 1, 9])
    together = teacher.potentials(collated(teacher, sentences))
    for row, sentence in enumerate(sentences):
        n = len(sentence.words)
        alone = teacher.potentials(collated(teacher, [sentence]))
        part = together.select_rows(torch.tensor([row])).first_words(n)
        cells = alone.arc_mask
        assert_close(part.arcs, alone.arcs, rtol=1e-5, atol=1e-5)
        assert_close(part.label_scores()[cells], alone.label_scores()[cells], rtol=1e-5, atol=1e-5)


def test_never_decodes_and_has_no_gradient(tagged_parser, monkeypatch):
    for name in ("_mst_decode", "_greedy_decode", "_parse", "_construct_loss"):
        monkeypatch.setattr(BiaffineDependencyParser, name, lambda *a, **k: pytest.fail("decodes"))
    teacher = opened(tagged_parser)
    state = torch.get_rng_state()
    found = teacher.potentials(collated(teacher))
    assert torch.equal(torch.get_rng_state(), state)
    assert not any(part.requires_grad for part in found.tensors())
    assert not teacher._open().model.training


def test_a_students_archive_teaches_too(tmp_path):
    path = train_parser(tmp_path, False, kind="biaffine_parser_student")
    teacher = opened(path)
    found = teacher.potentials(collated(teacher))
    student = load_archive(path).model.eval()
    potentials = student.potentials(**tensors(student.vocab, instances()))
    cells = potentials.arc_mask
    assert_close(found.arcs[cells], potentials.arcs[cells], rtol=1e-5, atol=1e-5)


class TestNan:
    @pytest.fixture
    def scores(self, plain_parser):
        teacher = opened(plain_parser)
        return teacher.potentials(collated(teacher, random_sentences([4, 2])))

    def test_none(self, scores):
        assert BiaffineParserScorer.have_nan(scores).tolist() == [False, False]

    @pytest.mark.parametrize(
        "place,found",
        [((1, 0, 2), True), ((1, 0, 1), False), ((1, 2, 0), False), ((1, 0, 3), False)],
    )
    def test_of_an_arc_where_there_is_one(self, scores, place, found):
        arcs = scores.arcs.clone()
        arcs[place] = float("nan")
        spoilt = TreePotentials(arcs, scores.mask, scores.labels)
        assert BiaffineParserScorer.have_nan(spoilt).tolist() == [False, found]

    @pytest.mark.parametrize("part", ["head", "dependent", "weight", "bias"])
    def test_of_a_label(self, scores, part):
        spoilt = getattr(scores.labels, part).clone()
        spoilt[(0,) * spoilt.dim()] = float("nan")
        labels = replace(scores.labels, **{part: spoilt})
        found = BiaffineParserScorer.have_nan(TreePotentials(scores.arcs, scores.mask, labels))
        assert found.tolist() == [True, part in ("weight", "bias")]

    def test_the_sentence_is_named(self, plain_parser, monkeypatch):
        teacher = opened(plain_parser)
        model = teacher._open().model
        unknown = model.vocab.get_token_index("unheard", "tokens")
        weight = model.text_field_embedder.token_embedder_tokens.weight
        monkeypatch.setattr(weight, "data", weight.data.clone())
        weight.data[unknown] = float("nan")
        with pytest.raises(ValueError, match="contain NaN for 'an unheard'"):
            teacher.potentials(collated(teacher, [BARE[2], Sentence(("an", "unheard"))]))


def test_the_vocabulary_of_the_fixtures_is_that_of_the_students(plain_parser):
    assert set(opened(plain_parser).labels) == set(
        vocabulary().get_token_to_index_vocabulary("head_tags")
    )
