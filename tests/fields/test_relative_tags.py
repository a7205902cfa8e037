import itertools

import pytest
from allennlp.common.checks import ConfigurationError
from allennlp.data import Token
from hypothesis import given, strategies as st

from allennlp_kd.fields.relative_tags import parse_tag, tags_of, tree_of
from allennlp_kd.readers.conllu_relative_reader import ConlluRelativeReader
from tests.structs.tree.enumeration import all_trees, is_tree

LINE = "{}\t{}\t_\tX\tY\t_\t{}\t{}\t_\t_\n"


def test_a_tree_s_tags():
    tags = tags_of([2, 0, 2], ["det", "root", "obl:tmod"])
    assert tags == ["+1@det", "0@root", "-1@obl:tmod"]
    assert [parse_tag(tag) for tag in tags] == [(1, "det"), (0, "root"), (-1, "obl:tmod")]
    assert [parse_tag(tag) for tag in ("B-NP", "1@a", "+0@a", "-1@", "@@UNKNOWN@@")] == [None] * 5


@pytest.mark.parametrize("length", range(5))
def test_every_tree_comes_back(length):
    for heads in all_trees(length, True, False):
        labels = [f"l{word}@x" for word in range(length)]
        assert tree_of(tags_of(heads, labels)) == (list(heads), labels)


def test_every_assignment_of_heads_is_repaired_to_a_tree():
    choices = [[head for head in range(5) if head != word] for word in range(1, 5)]
    for heads in itertools.product(*choices):
        found, _ = tree_of(tags_of(heads, ["a"] * 4))
        assert is_tree(tuple(found)) and found.count(0) == 1
        # No more is changed than what is wrong.
        if is_tree(heads) and heads.count(0) == 1:
            assert tuple(found) == heads


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=8))
def test_any_tags_are_repaired_to_a_tree(offsets):
    tags = [f"{offset:+d}@a" if offset else "0@root" for offset in offsets]
    heads, labels = tree_of(tags)
    assert is_tree(tuple(heads)) and heads.count(0) == 1 and len(labels) == len(tags)
    if 0 not in offsets:
        assert labels[heads.index(0)] == "root"


def test_what_is_no_tag():
    with pytest.raises(ValueError, match="such as '-1@det' or '0@root', found 'B-NP'"):
        tree_of(["0@root", "B-NP"])
    assert tree_of([]) == ([], [])


class TestReader:
    def read(self, tmp_path, text):
        path = tmp_path / "file.conllu"
        path.write_text(text, encoding="utf-8")
        return list(ConlluRelativeReader().read(str(path)))

    def test_reads_words_and_tags(self, tmp_path):
        text = "# a comment\n1-2\tboth\t_\t_\t_\t_\t_\t_\t_\t_\n" + LINE.format(1, "the", 2, "det")
        text += LINE.format(2, "cat", 0, "root") + "2.1\tgone\t_\t_\t_\t_\t_\t_\t_\t_\n\n"
        (instance,) = self.read(tmp_path, text)
        assert [token.text for token in instance["tokens"].tokens] == ["the", "cat"]
        assert instance["tags"].labels == ["+1@det", "0@root"]
        assert instance["metadata"].metadata == {"words": ["the", "cat"], "pos": ["X", "X"]}

    def test_and_back(self):
        written = ConlluRelativeReader.to_conllu(["the", "cat"], ["+1@det", "0@root"])
        expected = LINE.format(1, "the", 2, "det") + LINE.format(2, "cat", 0, "root") + "\n"
        assert written == expected.replace("X\tY", "_\t_")

    def test_without_gold(self):
        instance = ConlluRelativeReader().text_to_instance([Token("cat")])
        assert set(instance.fields) == {"tokens", "metadata"}

    @pytest.mark.parametrize("head, label", [("_", "det"), (0, "_")])
    def test_a_word_without_an_arc(self, tmp_path, head, label):
        with pytest.raises(ConfigurationError, match=r"conllu, line 1: word 1 \('the'\) must"):
            self.read(tmp_path, LINE.format(1, "the", head, label) + "\n")

    def test_no_conllu(self, tmp_path):
        with pytest.raises(
            ConfigurationError, match="file.conllu, line 1: expected 10 columns .* found 1"
        ):
            self.read(tmp_path, "the cat\n\n")
