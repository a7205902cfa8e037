import json
from types import SimpleNamespace

import pytest
import torch
from allennlp.common.checks import ConfigurationError
from allennlp.common.params import Params
from allennlp.data import Batch, DatasetReader, Instance, Token
from allennlp.data.fields import TextField

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.models.pairing import Pairing
from allennlp_kd.objectives.marginal import Marginal
from allennlp_kd.objectives.structural import Structural
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.objectives.token import Token as TokenObjective
from allennlp_kd.objectives.top_k import TopK
from allennlp_kd.objectives.weighted_sum import WeightedSum
from allennlp_kd.structs.chain import ChainPotentials, viterbi, with_marginals
from allennlp_kd.structs.tree import maximum_spanning_tree
from allennlp_kd.teachers.annotations_teacher import AnnotationsTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from allennlp_kd.teachers.teacher import Teacher
from tests.structs.tree.enumeration import random_potentials

COLUMNS = "Ann B-PER\nsleeps O\n\n-DOCSTART- O\n\nIn O\nBonn B-LOC\n. O\n"
CONLLU = """# sent_id = 1
1\tAnn\t_\tPROPN\tNNP\t_\t2\tnsubj\t_\t_
2\tsleeps\t_\tVERB\tVBZ\t_\t0\troot\t_\t_

1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\t_\tADP\tIN\t_\t3\tcase\t_\t_
2\tle\t_\tDET\tDT\t_\t3\tdet\t_\t_
3\tBonn\t_\tPROPN\tNNP\t_\t0\troot\t_\t_
"""
NEVER = -1e4


def write(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def scored(teacher, *sentences):
    return teacher.score([Sentence(tuple(text.split())) for text in sentences])


class TestChains:
    def test_columns_are_one_hot(self, tmp_path):
        teacher = AnnotationsTeacher(write(tmp_path, "tags.txt", COLUMNS))
        assert (teacher.structure, teacher.labels) == ("chain", ["B-PER", "O", "B-LOC"])
        found = scored(teacher, "Ann sleeps", "In Bonn .")
        assert found.emissions[0, :2].tolist() == [
            [0, NEVER, NEVER],
            [NEVER, 0, NEVER],
        ]
        assert [row[:n] for row, n in zip(viterbi(found)[0].tolist(), (2, 3))] == [
            [0, 1],
            [1, 2, 1],
        ]
        assert not found.transitions.any()

    @pytest.mark.parametrize(
        "column, tags", [("upos", ["PROPN", "VERB"]), ("xpos", ["NNP", "VBZ"])]
    )
    def test_conllu(self, tmp_path, column, tags):
        teacher = AnnotationsTeacher(write(tmp_path, "tags.conllu", CONLLU), column=column)
        found = scored(teacher, "Ann sleeps")
        assert [teacher.labels[tag] for tag in viterbi(found)[0][0].tolist()] == tags

    def test_alternatives_are_weighted(self, tmp_path):
        lines = [
            {"words": ["a", "b"], "tags": ["X", "Y"], "weight": 3},
            {"words": ["a", "b"], "tags": ["X", "X"]},
        ]
        path = write(tmp_path, "tags.jsonl", "\n".join(map(json.dumps, lines)))
        found = scored(AnnotationsTeacher(path), "a b")
        assert torch.allclose(found.emissions.exp(), torch.tensor([[[1, 0], [0.25, 0.75]]]))

    def test_several_files(self, tmp_path):
        first = write(tmp_path, "a.txt", COLUMNS)
        second = write(tmp_path, "b.jsonl", json.dumps({"words": ["x"], "tags": ["Z"]}))
        teacher = AnnotationsTeacher([first, second])
        assert teacher.labels == ["B-PER", "O", "B-LOC", "Z"]
        assert scored(teacher, "x").emissions.argmax(2).tolist() == [[3]]

    def test_the_words_are_those_of_the_reader(self, tmp_path):
        """Documents without an empty line, tabs, and white space inside words."""
        content = (
            "-DOCSTART-\tO\nNew York\tB-LOC\n10\u00a0000\tO\n-DOCSTART-\tO\n\u65e5\u3000\u672c\tB-LOC\n"
            "\nAnn B-PER\nsleeps O\n"
        )
        path = write(tmp_path, "tags.txt", content)
        params = Params({"type": "column_tags"})
        sentences = [Sentence.of(each) for each in DatasetReader.from_params(params).read(path)]
        assert [sentence.words for sentence in sentences] == [
            ("New York", "10\u00a0000"),
            ("\u65e5\u3000\u672c",),
            ("Ann", "sleeps"),
        ]
        teacher = AnnotationsTeacher(path, missing="skip")
        assert all(teacher.knows(sentence) for sentence in sentences)
        text = DatasetReader.from_params(Params({"type": "column_text"}))
        assert list(text.sentences(path)) == sentences


class TestTrees:
    def test_conllu_is_one_hot(self, tmp_path):
        teacher = AnnotationsTeacher(write(tmp_path, "trees.conllu", CONLLU))
        assert (teacher.structure, teacher.labels) == ("tree", ["nsubj", "root", "case", "det"])
        found = scored(teacher, "Ann sleeps", "de le Bonn")
        heads, labels = maximum_spanning_tree(found)[:2]
        assert heads[0, :2].tolist() == [2, 0] and heads[1].tolist() == [3, 3, 0]
        assert labels[0, :2].tolist() == [0, 1] and labels[1].tolist() == [2, 3, 1]
        assert found.arcs[0, 0, :3].tolist() == [NEVER, NEVER, 0]

    def test_json_lines(self, tmp_path):
        line = {"words": ["Ann", "sleeps"], "heads": [2, 0], "labels": ["nsubj", "root"]}
        teacher = AnnotationsTeacher(write(tmp_path, "trees.jsonl", json.dumps(line)))
        assert maximum_spanning_tree(scored(teacher, "Ann sleeps"))[0].tolist() == [[2, 0]]

    def test_alternatives_are_weighted(self, tmp_path):
        other = (
            "# weight = 3\n1\tAnn\t_\tX\tX\t_\t0\troot\t_\t_\n2\tsleeps\t_\tX\tX\t_\t1\tdep\t_\t_\n"
        )
        path = write(tmp_path, "trees.conllu", CONLLU + "\n" + other)
        found = scored(AnnotationsTeacher(path), "Ann sleeps")
        assert torch.allclose(found.arcs[0, 0].exp(), torch.tensor([0.75, 0, 0.25]))
        assert torch.allclose(found.arcs[0, 1].exp(), torch.tensor([0.25, 0.75, 0]))


@pytest.mark.parametrize(
    "objective", [Substructured(), TokenObjective(), Structural(), TopK(1), Marginal()]
)
def test_objectives_over_probabilities(tmp_path, objective):
    """Against one-hot structures each is minus the log probability of that structure, or of its parts."""
    teacher = AnnotationsTeacher(write(tmp_path, "tags.txt", COLUMNS))
    found = scored(teacher, "Ann sleeps", "In Bonn .")
    torch.manual_seed(13)
    emissions = torch.randn(found.emissions.shape, requires_grad=True)
    student = ChainPotentials(emissions, found.mask, torch.randn(3, 3))
    needed = {}
    if "marginals" in objective.needs:
        found, student = with_marginals(found), student
    losses = objective(student, found, **needed)
    assert torch.isfinite(losses).all() and (losses > 0).all()
    losses.sum().backward()
    assert torch.isfinite(emissions.grad).all()


@pytest.mark.parametrize("objective", [Substructured(), TokenObjective(), Structural(), TopK(1)])
def test_objectives_over_trees(tmp_path, objective):
    teacher = AnnotationsTeacher(write(tmp_path, "trees.conllu", CONLLU))
    found = scored(teacher, "Ann sleeps", "de le Bonn")
    student = random_potentials([2, 3], labels=4, dtype=torch.float)
    losses = objective(student, found)
    assert torch.isfinite(losses).all() and (losses > 0).all()


def test_objectives_over_scores_are_refused(tmp_path):
    teacher = AnnotationsTeacher(write(tmp_path, "tags.txt", COLUMNS))
    student = SimpleNamespace(structure="chain", labels=teacher.labels)
    scores = Substructured(match="scores")
    for objective in (scores, Substructured(match="both"), WeightedSum({"a": scores})):
        with pytest.raises(
            ConfigurationError, match="compares scores, but the annotations in .* have none"
        ):
            Pairing(student, teacher, objective)
    Pairing(student, teacher, Substructured())
    store = StoreTeacher(str(tmp_path / "store"), teacher)
    with pytest.raises(ConfigurationError, match="compares scores"):
        Pairing(student, store, scores)


@pytest.mark.parametrize("name, content", [("tags.txt", COLUMNS), ("trees.conllu", CONLLU)])
def test_live_and_stored_are_the_same(tmp_path, name, content):
    config = {"type": "annotations", "files": write(tmp_path, name, content)}
    live = Teacher.from_params(Params(dict(config)))
    store = StoreTeacher(str(tmp_path / "store"), Teacher.from_params(Params(dict(config))))

    def potentials(teacher):
        instances = [Instance({"tokens": TextField([Token(w) for w in ("Ann", "sleeps")])})]
        teacher.attach(instances)
        only = [Instance({"teacher": each["teacher"]}) for each in instances]
        return teacher.potentials(Batch(only).as_tensor_dict()["teacher"]["value"])

    first, second = potentials(live), potentials(store)
    name = "emissions" if live.structure == "chain" else "arcs"
    assert torch.equal(getattr(first, name), getattr(second, name))
    assert store.labels == live.labels


def test_a_sentence_without_annotation(tmp_path):
    path = write(tmp_path, "tags.txt", COLUMNS)

    def attached(words, **options):
        instance = Instance({"tokens": TextField([Token(word) for word in words])})
        AnnotationsTeacher(path, **options).attach([instance])
        return instance["teacher"].field

    assert len(attached(["Ann", "sleeps"])) == 2
    with pytest.raises(
        ConfigurationError, match="have no sentence 'Ann walks'. Annotate it, or set"
    ):
        attached(["Ann", "walks"])
    with pytest.raises(
        ConfigurationError, match="tags.txt, line 6 has the text of the sentence 'In Bon n .'"
    ):
        attached(["In", "Bon", "n", "."])
    assert attached(["Ann", "walks"], missing="skip") is None
    assert len(attached(["Ann", "sleeps"], missing="skip")) == 2


def test_the_fingerprint(tmp_path):
    path = write(tmp_path, "tags.conllu", CONLLU)
    before = AnnotationsTeacher(path).fingerprint
    assert AnnotationsTeacher([path]).fingerprint == before
    assert AnnotationsTeacher(path, column="upos").fingerprint != before
    write(tmp_path, "tags.conllu", CONLLU.replace("nsubj", "obj"))
    assert AnnotationsTeacher(path).fingerprint != before


@pytest.mark.parametrize(
    "options, message",
    [
        ({"files": []}, "needs at least one file, found none"),
        (
            {"files": "a", "format": "xml"},
            "format must be one of conllu, columns, jsonl, found 'xml'",
        ),
        ({"files": "a", "missing": "x"}, "missing must be one of error, skip, found 'x'"),
        ({"files": "a.conllu", "column": "lemma"}, "must be tree, upos or xpos, found 'lemma'"),
        ({"files": "a.txt", "column": "tree"}, "must be a number, found 'tree'"),
        ({"files": "a.jsonl", "column": "1"}, "must be none, found '1'"),
        ({"files": "missing.txt"}, "missing.txt is missing"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ConfigurationError, match=message):
        _ = AnnotationsTeacher(**options).labels


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.conllu", "1\tAnn\n", "line 1: expected 10 columns, found 2"),
        (
            "a.conllu",
            CONLLU.replace("\t2\tnsubj", "\t9\tnsubj"),
            "line 1: heads must be numbers from 0 to 2",
        ),
        (
            "a.conllu",
            "# weight = -1\n" + CONLLU,
            "line 1: a weight must be a number above 0, found '-1'",
        ),
        ("a.txt", "Ann\n", "line 1: expected a word and a tag in column -1, found 'Ann'"),
        ("a.jsonl", "{", "line 1 is not JSON"),
        ("a.jsonl", '{"words": 3}', "line 1: expected an object with `words`"),
        ("a.jsonl", '{"words": ["a"], "tags": []}', "line 1: expected `tags`"),
        (
            "a.jsonl",
            '{"words": ["a"], "labels": ["x"], "heads": [2]}',
            "must be 1 numbers from 0 to 1",
        ),
        ("a.jsonl", '{"words": ["a"], "tags": ["x"], "weight": "y"}', "above 0, found 'y'"),
        ("a.txt", "", "must contain either tags or trees, found nothing"),
    ],
)
def test_malformed_files(tmp_path, name, content, message):
    with pytest.raises(ConfigurationError, match=message):
        _ = AnnotationsTeacher(write(tmp_path, name, content)).labels


def test_a_column_without_tags(tmp_path):
    path = write(tmp_path, "a.conllu", CONLLU.replace("PROPN\tNNP", "_\tNNP"))
    with pytest.raises(ConfigurationError, match="line 1: word 1 has no upos"):
        _ = AnnotationsTeacher(path, column="upos").labels
