import itertools

import pytest
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError
from allennlp.data import DatasetReader, Token
from allennlp.data.dataset_readers.dataset_utils import span_utils

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.readers.span_encodings import recoded

STOCK = {
    "BIO": span_utils.bio_tags_to_spans,
    "BIOUL": span_utils.bioul_tags_to_spans,
    "BMES": span_utils.bmes_tags_to_spans,
}


def read(path, **options):
    reader = DatasetReader.from_params(Params({"type": "column_tags", **options}))
    return [
        ([token.text for token in each["tokens"].tokens], each["tags"].labels)
        for each in reader.read(str(path))
    ]


@pytest.mark.parametrize("encoding", sorted(STOCK))
def test_all_segmentations_survive_every_encoding(encoding):
    """The twin: the spans that AllenNLP's own functions find, for all taggings of four words."""
    for kinds in itertools.product(["", "X", "Y"], repeat=4):
        for joined in itertools.product([False, True], repeat=4):
            bio = []
            for word, kind in enumerate(kinds):
                inside = joined[word] and word > 0 and kinds[word - 1] == kind
                bio.append(f"{'I' if inside else 'B'}-{kind}" if kind else "O")
            spans = sorted(span_utils.bio_tags_to_spans(bio))
            ours = recoded(bio, encoding)
            # Stock's function for BMES takes O for a span without a type.
            assert sorted(span for span in STOCK[encoding](ours) if span[0]) == spans
            assert recoded(ours, "BIO") == bio


@pytest.mark.parametrize(
    "tags, expected",
    [
        ("I-X I-X O I-X B-X", "B-X I-X O B-X B-X"),  # IOB1
        ("I-X I-Y O O I-Y", "B-X B-Y O O B-Y"),
        ("B-X E-X S-X O S-Y", "B-X I-X B-X O B-Y"),  # BIOES
        ("B-X L-X U-X O I-Y", "B-X I-X B-X O B-Y"),
    ],
)
def test_other_encodings_are_read_alike(tags, expected):
    assert recoded(tags.split(), "BIO") == expected.split()


def test_columns_tabs_and_documents(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("-DOCSTART- -X- O\n\nAnn NNP B-PER\nsleeps VBZ O\n\n#1 CD O\n\n\n")
    assert read(path) == [(["Ann", "sleeps"], ["B-PER", "O"]), (["#1"], ["O"])]
    assert read(path, column=1)[0][1] == ["NNP", "VBZ"]
    assert read(path, encoding="BIOUL")[0][1] == ["U-PER", "O"]
    path.write_text("New York\tB-LOC\nsleeps\tO\n")
    assert read(path) == [(["New York", "sleeps"], ["B-LOC", "O"])]


@pytest.mark.parametrize("separator", [" ", "\t"])
def test_a_document_starts_without_an_empty_line(tmp_path, separator):
    lines = ["-DOCSTART- -X- O", "Ann NNP B-PER", "sleeps VBZ O", "-DOCSTART- -X- O", "#1 CD O"]
    path = tmp_path / "a.txt"
    path.write_text("\n".join(lines).replace(" ", separator))
    assert read(path) == [(["Ann", "sleeps"], ["B-PER", "O"]), (["#1"], ["O"])]
    path.write_text("-DOCSTART-\nAnn B-PER\nsleeps\n")
    with pytest.raises(ConfigurationError, match="line 3: expected a word .* columns: 'sleeps'"):
        read(path)


def test_a_model_is_given_words_alone():
    reader = DatasetReader.from_params(Params({"type": "column_tags"}))
    assert set(reader.text_to_instance([Token("Ann")]).fields) == {"tokens", "metadata"}


@pytest.mark.parametrize(
    "content, options, message",
    [
        (
            "Ann B-PER\nsleeps\n",
            {},
            r"a.txt, line 2: expected a word and a tag in column -1, found 1",
        ),
        ("Ann B-PER\n", {"column": 2}, r"line 1: expected a word and a tag in column 2, found 2"),
        ("Ann B-PER\n", {"column": -2}, r"line 1: expected a word and a tag in column -2"),
        ("Ann PER\n", {"encoding": "BIO"}, r"sentence from line 1: a tag must be O, or .*'PER'"),
        ("Ann X-PER\n", {"encoding": "BIO"}, r"found 'X-PER'"),
        ("Ann B-\n", {"encoding": "BIO"}, r"found 'B-'"),
    ],
)
def test_lines_that_are_wrong(tmp_path, content, options, message):
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=message):
        read(path, **options)


def test_unknown_options():
    with pytest.raises(ConfigurationError, match="encoding must be one of .*, found 'x'"):
        read("a.txt", encoding="x")
    with pytest.raises(ConfigurationError, match="column 0 holds the words"):
        read("a.txt", column=0)
