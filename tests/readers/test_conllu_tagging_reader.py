"""Reading a treebank's part-of-speech columns."""

import pytest
from allennlp.common.checks import ConfigurationError
from allennlp.data import Token

from allennlp_kd.readers.conllu_tagging_reader import ConlluTaggingReader

TREE = """# sent_id = 1
1-2\tdella\t_\t_\t_\t_\t_\t_\t_\t_
1\tdi\tdi\tADP\tE\t_\t3\tcase\t_\t_
2\tla\til\tDET\tRD\t_\t3\tdet\t_\t_
2.1\tnulla\t_\t_\t_\t_\t_\t_\t_\t_
3\t#casa\tcasa\tNOUN\tS\t_\t0\troot\t_\t_

# sent_id = 2
1\tsì\tsì\tINTJ\tI\t_\t0\troot\t_\t_
"""


def read(tmp_path, text, **options):
    path = tmp_path / "tree.conllu"
    path.write_text(text, encoding="utf-8")
    return list(ConlluTaggingReader(**options).read(str(path)))


@pytest.mark.parametrize(
    "column, expected", [("upos", ["ADP", "DET", "NOUN"]), ("xpos", ["E", "RD", "S"])]
)
def test_ranges_and_empty_nodes_are_left_out(tmp_path, column, expected):
    first, second = read(tmp_path, TREE, column=column)
    assert [token.text for token in first["tokens"].tokens] == ["di", "la", "#casa"]
    assert first["tags"].labels == expected
    assert first["metadata"].metadata["words"] == ["di", "la", "#casa"]
    assert len(second["tokens"]) == 1


def test_a_sentence_of_unknown_tags_has_none():
    instance = ConlluTaggingReader().text_to_instance([Token("di")])
    assert "tags" not in instance.fields


def test_an_empty_file_and_comments_alone_have_no_sentence(tmp_path):
    assert read(tmp_path, "# newdoc\n\n\n") == []


def test_unknown_column():
    with pytest.raises(ConfigurationError, match="one of .*upos.*xpos.*, found 'pos'"):
        ConlluTaggingReader(column="pos")


def test_a_wrong_column_count_is_located(tmp_path):
    broken = TREE.replace("1\tsì\tsì\tINTJ\tI\t_\t0\troot\t_\t_", "1 sì INTJ")
    with pytest.raises(
        ConfigurationError, match="tree.conllu, line 9: expected 10 columns .* found 1: '1 sì INTJ'"
    ):
        read(tmp_path, broken)


def test_a_word_without_a_tag_is_located(tmp_path):
    with pytest.raises(ConfigurationError, match=r"from line 8: word 1 \('sì'\) has no xpos"):
        read(tmp_path, TREE.replace("\tI\t", "\t_\t"), column="xpos")


def test_what_conllu_refuses_is_located(tmp_path):
    with pytest.raises(ConfigurationError, match="sentence from line 8"):
        read(tmp_path, TREE.replace("I\t_\t0\troot", "I\t_\tx\troot"))
