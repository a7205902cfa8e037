"""Reading a treebank with its raw text."""

import pytest
from allennlp.common.checks import ConfigurationError

from allennlp_kd.readers.treebank_text import documents, sentences

TREEBANK = """# newdoc id = first
# sent_id = a-1
# text = Va alla casa, sì.
1\tVa\t_\tVERB\tV\t_\t0\troot\t_\t_
2-3\talla\t_\t_\t_\t_\t_\t_\t_\t_
2\ta\t_\tADP\tE\t_\t4\tcase\t_\t_
3\tla\t_\tDET\tRD\t_\t4\tdet\t_\t_
3.1\tnulla\t_\t_\t_\t_\t_\t_\t_\t_
4\tcasa\t_\tNOUN\tS\t_\t1\tobl\t_\t_
5\t,\t_\tPUNCT\tFF\t_\t6\tpunct\t_\t_
6\tsì\t_\tINTJ\tI\t_\t1\tdiscourse\t_\t_
7\t.\t_\tPUNCT\tFS\t_\t1\tpunct\t_\t_

# newpar
# sent_id = a-2
1\tBene\t_\tADV\tB\t_\t0\troot\t_\tSpaceAfter=No
2\t!\t_\tPUNCT\tFS\t_\t1\tpunct\t_\t_

# newdoc id = second
# sent_id = b-1
# text = other words than these
1\tNo\t_\t_\t_\t_\t_\t_\t_\t_
2\tcerto\t_\t_\t_\t_\t_\t_\t_\t_
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(TREEBANK, encoding="utf-8")
    return path


def test_words_and_surface_tokens(path):
    first, second, third = sentences(path)
    assert [word.form for word in first.words] == ["Va", "a", "la", "casa", ",", "sì", "."]
    assert first.words[1] == ("a", "ADP", "E", 4, "case")
    forms = ["Va", "alla", "casa", ",", "sì", "."]
    assert [token.form for token in first.tokens] == forms
    assert [first.text[token.start : token.end] for token in first.tokens] == forms
    assert [(token.first, token.last) for token in first.tokens][:3] == [(0, 0), (1, 2), (3, 3)]
    assert second.text == "Bene!"  # by SpaceAfter, where there is no comment
    assert third.text == "No certo"  # the comment has another text
    assert third.words[0] == ("No", None, None, None, None)


def test_documents_and_paragraphs(path):
    first, second = documents(path)
    assert first.text == "Va alla casa, sì.\n\nBene!"
    assert [first.text[start:][:4] for start in first.starts] == ["Va a", "Bene"]
    assert second.text == "No certo" and second.starts == [0]


def test_documents_by_the_names_of_sentences(tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(
        "".join(
            f"# sent_id = {name}\n1\tx\t_\t_\t_\t_\t0\troot\t_\t_\n\n"
            for name in ("mail-0001", "mail-0002", "blog_3-0001")
        )
    )
    assert [document.text for document in documents(path)] == ["x x", "x"]


def test_a_wrong_column_count_is_located(path):
    path.write_text(TREEBANK.replace("2\t!\t_\tPUNCT\tFS\t_\t1\tpunct\t_\t_", "2 !"))
    with pytest.raises(ConfigurationError, match="conllu, line 17: expected 10 columns .* found 1"):
        list(sentences(path))
