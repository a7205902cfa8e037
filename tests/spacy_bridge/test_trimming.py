"""Vocabularies of word pieces without what given text never uses."""

import json
from pathlib import Path
from typing import Any, List

import numpy
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertTokenizerFast

from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.networks.trimmed_tokenizer import trim_tokenizer
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.packaging.words_of_files import words_of_files
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.modules.conftest import BUILDERS, PIECES
from tests.spacy_bridge.archives import make_archive, tagger
from tests.spacy_bridge.test_transformers import inputs

KNOWN = ["cat", "sleeping", "the", "."]


def archive(kind: str, folder: Path) -> Path:
    checkpoint = BUILDERS[kind](folder / "checkpoint", depth=2)
    config = inputs("pretrained_transformer_mismatched", checkpoint)
    return make_archive(folder / "student", tagger(**config), scale=1.5)


def encoder(path: Path, **options: Any) -> Any:
    files = student_files(path, trust=True, **options)
    return open_student({**files, "manifest.json": sum_up(files)})._encode


def test_words_of_the_text_keep_their_vectors(tmp_path: Path) -> None:
    path = archive("bert", tmp_path)
    sentences = [["the", "cat", "."], ["sleeping", "cat", "the"], ["."]]
    whole, trimmed = encoder(path), encoder(path, trim_to=KNOWN)
    assert numpy.allclose(whole(sentences), trimmed(sentences), atol=1e-5)
    # "dog" is no piece any longer and its characters are none: it is unknown, as a word of other letters.
    assert not numpy.allclose(whole([["dog"]]), trimmed([["dog"]]), atol=1e-3)
    sizes = [
        len(student_files(path, trust=True, **options)["tokenizer-input1.json"])
        for options in ({}, {"trim_to": KNOWN})
    ]
    assert sizes[1] < sizes[0]


def pieces_of(content: bytes, words: List[str]) -> List[List[str]]:
    tokenizer = Tokenizer.from_str(content.decode("utf-8"))
    return [tokenizer.encode(word, add_special_tokens=False).tokens for word in words]


def word_pieces() -> bytes:
    pieces = ["[UNK]", "[CLS]", "a", "b", "##a", "##b", "ab", "##ab", "##aba", "abab", "never"]
    tokenizer = Tokenizer(
        models.WordPiece({piece: number for number, piece in enumerate(pieces)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return tokenizer.to_str().encode("utf-8")


def test_word_pieces_fall_back_to_shorter_ones() -> None:
    words = ["abab", "abaab", "never", "bab", "ababa"]
    assert pieces_of(word_pieces(), words) == [
        ["abab"], ["ab", "##a", "##ab"], ["never"], ["b", "##ab"], ["abab", "##a"],
    ]  # fmt: skip
    trimmed = trim_tokenizer(word_pieces(), ["abab", "bab", "a"], [1])
    assert pieces_of(trimmed.content, words) == [
        ["abab"], ["a", "##b", "##a", "##ab"], ["[UNK]"], ["b", "##ab"], ["abab", "##a"],
    ]  # fmt: skip
    assert trimmed.kept.tolist() == [0, 1, 2, 3, 4, 5, 7, 9]
    assert trimmed.renumber([1, 7]) == [1, 6]
    vocabulary = json.loads(trimmed.content)["model"]["vocab"]
    assert sorted(vocabulary.values()) == list(range(8))


def test_unigrams() -> None:
    pieces = [
        ("<unk>", 0.0),
        ("<pad>", 0.0),
        ("▁", -5.0),
        ("a", -4.0),
        ("b", -4.0),
        ("▁ab", -1.0),
        ("ba", -2.0),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    content = tokenizer.to_str().encode("utf-8")
    assert pieces_of(content, ["abba", "ab"]) == [["▁ab", "ba"], ["▁ab"]]
    trimmed = trim_tokenizer(content, ["ab"], [1])
    assert pieces_of(trimmed.content, ["abba", "ab"]) == [["▁ab", "b", "a"], ["▁ab"]]
    assert trimmed.kept.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["WordPiece", "Unigram"])
def test_added_tokens_above_the_vocabulary(kind: str) -> None:
    """As `[MASK]` in DeBERTa-v3, or what `add_tokens` adds."""
    if kind == "WordPiece":
        tokenizer = Tokenizer.from_str(word_pieces().decode("utf-8"))
    else:
        pieces = [("[UNK]", 0.0), ("a", -1.0), ("never", -1.0), ("b", -1.0)]
        tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0))
    size = tokenizer.get_vocab_size()
    tokenizer.add_special_tokens(["[UNK]", "[MASK]"])
    tokenizer.add_tokens(["@user"])
    content = tokenizer.to_str().encode("utf-8")
    trimmed = trim_tokenizer(content, ["a", "b"], [size])
    assert trimmed.kept.tolist()[-2:] == [size, size + 1] and len(trimmed.kept) < size + 2
    cut = Tokenizer.from_str(trimmed.content.decode("utf-8"))
    for word in ("a", "b", "[MASK]", "@user", "[UNK]"):
        before = tokenizer.encode(word, add_special_tokens=False)
        after = cut.encode(word, add_special_tokens=False)
        assert before.tokens == after.tokens
        assert trimmed.renumber(before.ids) == after.ids
        assert trimmed.kept[after.ids].tolist() == before.ids


def test_a_student_with_added_tokens(tmp_path: Path) -> None:
    checkpoint = BUILDERS["bert"](tmp_path / "checkpoint", depth=1, vocab_size=len(PIECES) + 1)
    tokenizer = BertTokenizerFast.from_pretrained(checkpoint)
    tokenizer.add_tokens(["@user"])
    tokenizer.save_pretrained(checkpoint)
    config = inputs("pretrained_transformer_mismatched", checkpoint)
    path = make_archive(tmp_path / "student", tagger(**config), scale=1.5)
    whole, trimmed = encoder(path), encoder(path, trim_to=KNOWN)
    sentences = [["the", "@user", "."], ["sleeping", "cat", "the"]]
    assert numpy.allclose(whole(sentences), trimmed(sentences), atol=1e-5)


def test_added_tokens_with_gaps() -> None:
    content = json.loads(word_pieces())
    content["model"]["vocab"]["never"] = 20
    content["added_tokens"] = []
    trimmed = trim_tokenizer(json.dumps(content).encode("utf-8"), ["never"], [1])
    assert trimmed.kept.tolist() == [0, 1, 2, 3, 4, 5, 20]
    assert pieces_of(trimmed.content, ["never"]) == [["never"]]


def test_the_transformer_is_checked_before_its_tokenizer(tmp_path: Path, monkeypatch: Any) -> None:
    from spacy_bridge.packaging.networks import transformer

    monkeypatch.setattr(transformer, "is_supported", lambda config: False)
    monkeypatch.setattr(transformer, "trim_tokenizer", lambda *a: pytest.fail("it was trimmed"))
    with pytest.raises(
        UnsupportedError, match="a transformer of type bert cannot be trimmed; supp"
    ):
        student_files(archive("bert", tmp_path), trust=True, trim_to=["a"])


def test_what_cannot_be_trimmed(tmp_path: Path, archive_of: Any, capsys: Any) -> None:
    with pytest.raises(
        UnsupportedError, match="of type BPE cannot be trimmed; supported: WordPiece"
    ):
        student_files(archive("roberta", tmp_path), trust=True, trim_to=["a"])
    (tmp_path / "text.txt").write_text("a", encoding="utf-8")
    arguments = ["package", str(tmp_path / "out"), "--ner", str(archive_of(tagger()))]
    assert main([*arguments, "--trim-vocabulary", str(tmp_path / "text.txt")]) == 1
    assert "--trim-vocabulary needs a student that reads word pieces" in capsys.readouterr().err


def test_words_of_files(tmp_path: Path) -> None:
    text, treebank, empty = tmp_path / "a.txt", tmp_path / "b.conllu", tmp_path / "c.txt"
    text.write_text("The cat isn't here.\n\nYes!\n", encoding="utf-8-sig")
    treebank.write_text("# text = a b\n1-2\tau\t_\n1\tà\t_\n2\tle\t_\n\n", encoding="utf-8")
    empty.write_text("", encoding="utf-8")
    words = {"The", "cat", "is", "n't", "here", ".", "Yes", "!"}
    assert words_of_files([text], "en") == words
    assert words_of_files([text, treebank], "en") == words | {"au", "à", "le"}
    with pytest.raises(BridgeError, match="c.txt contains no words for trimming the vocabulary"):
        words_of_files([text, empty], "en")
    (tmp_path / "d.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(BridgeError, match="d.txt is not UTF-8 text"):
        words_of_files([tmp_path / "d.txt"], "en")


def test_the_command(tmp_path: Path) -> None:
    path = archive("bert", tmp_path)
    (tmp_path / "text.txt").write_text("the cat sleeping .", encoding="utf-8")
    arguments = ["package", str(tmp_path / "out"), "--tagger", str(path), "--trust"]
    assert main([*arguments, "--trim-vocabulary", str(tmp_path / "text.txt")]) == 0
    (tokenizer,) = (tmp_path / "out").rglob("tokenizer-*.json")
    pieces = json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]
    assert "cat" in pieces and "dog" not in pieces
