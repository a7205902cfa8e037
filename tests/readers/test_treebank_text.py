"""Reading a treebank with its raw text."""

import pytest
from allennlp.common.checks import ConfigurationError

from allennlp_kd.readers.conllu_parsing_reader import ConlluParsingReader
from allennlp_kd.readers.conllu_relative_reader import ConlluRelativeReader
from allennlp_kd.readers.conllu_tagging_reader import ConlluTaggingReader
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


LINES = {
    "a head": ("\t1\tobl", "\t8\tobl", "the head 8 is not in the sentence, which has 7 words"),
    "a range": ("2-3\t", "2-9\t", "the range 2-9 is not in the sentence, which has 7 words"),
    "a range backwards": ("2-3\t", "2-1\t", "begin with the next word, 2, and .* found 2-1"),
    "a range from 0": ("2-3\t", "0-3\t", "begin with the next word, 2, and .* found 0-3"),
    "a range elsewhere": ("2-3\t", "4-5\t", "begin with the next word, 2, and .* found 4-5"),
    "a range in a range": ("3\tla", "3-4\tx" + "\t_" * 8 + "\n3\tla", "word, 4, .* found 3-4"),
    "a missing word": ("4\tcasa", "5\tcasa", "numbered from 1, expected 4, found 5"),
    "a superscript": ("4\tcasa", "²\tcasa", "number of a word, a range or .* found '²'"),
}


@pytest.mark.parametrize("name", LINES)
def test_a_malformed_sentence_is_located(path, name):
    before, after, message = LINES[name]
    assert TREEBANK.count(before) == 1
    path.write_text(TREEBANK.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=f"conllu, line [0-9]+: .*{message}") as found:
        list(sentences(path))
    number = int(str(found.value).split("line ")[1].split(":")[0])
    text = path.read_text(encoding="utf-8").split("\n")[number - 1]
    assert after.split("\n")[0] in text
    for reader in (
        ConlluParsingReader(tokens="spacy"),
        ConlluParsingReader(surface_tokens=True),
        ConlluTaggingReader(tokens="spacy"),
        ConlluRelativeReader(),
    ):
        with pytest.raises(ConfigurationError, match=message):
            list(reader.read(str(path)))
