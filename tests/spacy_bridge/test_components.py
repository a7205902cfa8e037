"""The components do as spaCy's own do."""

import pickle
import warnings
from pathlib import Path
from typing import Any, Callable

import numpy
import pytest
import spacy
from spacy import displacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from spacy_bridge import load_student
from spacy_bridge.components.parser import StudentParser
from spacy_bridge.components.tagger import StudentTagger
from spacy_bridge.components.units import Unit
from spacy_bridge.errors import BridgeError, PackageError
from spacy_bridge.runtime.packaged_parser import ParsedSentence
from tests.spacy_bridge.pipelines import TEXTS, packaged, pipeline


@pytest.fixture(scope="module")
def nlp() -> Any:
    return pipeline()


def as_json(docs: Any) -> Any:
    return [{**doc.to_json(), "tokens": str(doc.to_json()["tokens"])} for doc in docs]


def saying(nlp: Any, name: str, answer: Callable[[Any], Any]) -> Any:
    """Puts an answer of our own in the place of the network's."""
    pipe = nlp.get_pipe(name)

    class Saying:
        settings = pipe.student.settings
        encoding = getattr(pipe.student, "encoding", None)
        files = pipe.student.files
        tag_attribute = None

        def __call__(self, sentences: Any) -> Any:
            return [answer(words) for words in sentences]

    pipe._student = Saying()
    return pipe


def test_nothing_is_lost_and_every_annotation_is_there(nlp: Any) -> None:
    for text, doc in zip(TEXTS, nlp.pipe(TEXTS)):
        assert doc.text == text
        if len(doc):
            assert doc.has_annotation("DEP", require_complete=True)
            assert doc.has_annotation("TAG", require_complete=True)
        assert "chunks" in doc.spans  # an empty doc has no chunks, but the group of them


def test_pipe_equals_call(nlp: Any) -> None:
    alone = as_json(nlp(text) for text in TEXTS)
    for size in (1, 2, 100):
        assert as_json(nlp.pipe(TEXTS, batch_size=size)) == alone


def test_whitespace_hangs_from_its_left_neighbor_and_is_in_no_span(nlp: Any) -> None:
    doc = nlp(TEXTS[0])
    for sentence in doc.sents:
        words = [token for token in sentence if not token.is_space]
        for token in sentence:
            if token.is_space and token.i > words[0].i:
                assert token.head.i == token.i - 1
            elif token.is_space:
                assert token.head == words[0]
            if token.is_space:
                assert token.dep_ == "dep" and token.tag_ == "_SP"
    for span in [*doc.ents, *doc.spans["chunks"]]:
        assert not span[0].is_space and not span[-1].is_space


def test_whitespace_never_reaches_the_network(nlp: Any) -> None:
    with_space = nlp(Doc(nlp.vocab, words=["The", "\n", "fox", "  ", "jumps"]))
    without = nlp(Doc(nlp.vocab, words=["The", "fox", "jumps"]))
    words = [token for token in with_space if not token.is_space]
    assert [token.tag_ for token in words] == [token.tag_ for token in without]
    places = [token.i for token in words]
    assert [places.index(token.head.i) for token in words] == [token.head.i for token in without]


def test_sentence_of_whitespace_alone() -> None:
    nlp = pipeline("parser")
    doc = Doc(nlp.vocab, words=["\n", " ", "a", "b"], sent_starts=[True, False, True, False])
    doc = nlp.get_pipe("parser")(doc)
    assert [token.head.i for token in doc][:2] == [0, 0]
    assert doc[0].dep_ == "ROOT" and [len(sentence) for sentence in doc.sents] == [2, 2]


def test_trees_that_are_not_projective_are_kept() -> None:
    nlp = pipeline("parser", without_sentences="one")
    crossing = [3, 4, 0, 3, 1, 2, 6]
    saying(
        nlp, "parser", lambda words: ParsedSentence(crossing[: len(words)], ["Root"] * len(words))
    )
    doc = nlp(Doc(nlp.vocab, words=list("abcdefg")))
    assert [token.head.i + 1 if token.head != token else 0 for token in doc] == crossing
    assert [sentence.text for sentence in doc.sents] == [doc.text.strip()]
    assert {token.dep_ for token in doc} == {"ROOT"}


def test_long_sentences_warn_once_a_pipe() -> None:
    nlp = pipeline("tagger", max_words=8)
    texts = ["short one", "w " * 20, "v " * 30, "u " * 40]
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            assert len(list(nlp.pipe(texts, batch_size=2))) == 4
        (found,) = (str(each.message) for each in caught)
        assert found.startswith("tagger: the doc that begins 'w w w")


@pytest.mark.parametrize("component", ["tagger", "ner", "chunker"])
def test_each_student_reads_sentences(component: str) -> None:
    nlp = pipeline(component)
    assert nlp.pipe_names == ["sentencizer", component]
    seen = []
    saying(nlp, component, lambda words: (seen.append(words), ["O"] * len(words))[1])
    nlp("A cat sleeps. Dogs run.")
    assert seen == [["A", "cat", "sleeps", "."], ["Dogs", "run", "."]]
    seen.clear()
    nlp(Doc(nlp.vocab, words=["a", ".", "b", "."], sent_starts=[True, False, False, False]))
    assert seen == [["a", ".", "b", "."]]  # boundaries that are there are kept


def test_no_sentence_setter() -> None:
    nlp = pipeline("tagger", "parser", sentences="none")
    assert nlp.pipe_names == ["tagger", "parser"]
    assert len(list(nlp("A cat. A dog.").sents)) == 1


def test_a_sentence_setter_of_the_user(tmp_path: Path) -> None:
    if "each_word" not in spacy.registry.factories:

        @Language.component("each_word")
        def each_word(doc: Doc) -> Doc:
            for token in doc:
                token.is_sent_start = True
            return doc

    nlp = pipeline("tagger", sentences="each_word")
    assert nlp.pipe_names == ["each_word", "tagger"]
    assert len(list(nlp("A cat . A dog .").sents)) == 6
    other = spacy.blank("en")
    other.add_pipe("sentencizer", name="splitter", config={"punct_chars": [";"]})
    other.add_pipe("entity_ruler")
    other.to_disk(tmp_path / "other")
    nlp = pipeline("tagger", sentences=f"{tmp_path / 'other'}:splitter")
    assert nlp.pipe_names == ["splitter", "tagger"]
    assert [sentence.text for sentence in nlp("a . b ; c").sents] == ["a . b ;", "c"]
    for wanted, message in (
        (f"{tmp_path / 'other'}:gone", "has no component 'gone'; it has splitter, entity_ruler"),
        (f"{tmp_path / 'other'}:entity_ruler", "'.*:entity_ruler' does not"),
        (f"{tmp_path / 'nowhere'}:senter", "nowhere' cannot be opened"),
        ("merge_entities", "'merge_entities' does not"),
        ("splitter", "or a spaCy factory such as sentencizer, found 'splitter'"),
        (
            "senter",
            "needs no training, found 'senter'; use a trained component of another pipeline",
        ),
    ):
        nlp = spacy.blank("en")
        with pytest.raises(BridgeError, match=message):
            load_student(packaged("tagger"), "tagger", nlp=nlp, sentences=wanted)
        assert nlp.pipe_names == []


def test_a_trained_splitter_with_shared_layers(tmp_path: Path) -> None:
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}
    other = spacy.blank("en")
    other.add_pipe("tok2vec")
    other.add_pipe(
        "senter",
        config={"model": {"@architectures": "spacy.Tagger.v2", "tok2vec": listener}},
    )
    doc = Doc(other.vocab, words=["a", ".", "b"], sent_starts=[True, False, True])
    other.initialize(lambda: [Example(Doc(other.vocab, words=["a", ".", "b"]), doc)])
    other.to_disk(tmp_path / "other")
    nlp = pipeline("tagger", sentences=f"{tmp_path / 'other'}:senter")
    assert nlp.pipe_names == ["senter", "tagger"] and nlp("a. b").has_annotation("SENT_START")


def test_students_that_would_overwrite_each_other() -> None:
    nlp = pipeline("tagger", "chunker")
    for component, config, message in (
        ("tagger", {}, "'tagger' and 'other' both set token.tag_.*package one of them as pos"),
        ("chunker", {}, r"both set doc.spans\['chunks'\].*another spans_key"),
    ):
        with pytest.raises(BridgeError, match=message):
            load_student(packaged("tagger"), component, nlp=nlp, name="other", **config)
    load_student(packaged("tagger"), "chunker", nlp=nlp, name="other", spans_key="others")
    assert nlp.pipe_names == ["sentencizer", "tagger", "chunker", "other"]


def test_predict_changes_nothing_and_set_annotations_does(nlp: Any) -> None:
    for name in ("parser", "ner", "tagger", "chunker"):
        pipe = nlp.get_pipe(name)
        docs = [nlp.make_doc(text) for text in TEXTS]
        for doc in docs:
            nlp.get_pipe("sentencizer")(doc)
        before = as_json(docs)
        predictions = pipe.predict(docs)
        assert as_json(docs) == before
        pipe.set_annotations(docs, predictions)
        assert as_json(docs) == as_json(pipe(doc.copy()) for doc in docs) != before


def test_set_annotations_takes_labels_from_elsewhere(nlp: Any) -> None:
    doc = nlp.make_doc("A cat")
    unit = Unit(0, 2, numpy.arange(2), ["A", "cat"])
    StudentTagger(nlp.vocab, "empty", "tag", 10, 1).set_annotations(
        [doc], [[(unit, ["X-1", "X-2"])]]
    )
    assert [token.tag_ for token in doc] == ["X-1", "X-2"]
    tree = ParsedSentence([2, 0], ["x-arc", "root"])
    StudentParser(nlp.vocab, "empty", "one", 10, 1).set_annotations([doc], [[(unit, tree)]])
    assert [token.dep_ for token in doc] == ["x-arc", "ROOT"]


def test_training_around_a_student() -> None:
    nlp = pipeline("tagger")
    textcat = nlp.add_pipe("textcat")
    textcat.add_label("X")
    textcat.add_label("Y")
    with pytest.raises(BridgeError, match="'tagger' runs a packaged student.*frozen_components"):
        nlp.initialize()
    example = Example.from_dict(nlp.make_doc("A cat sleeps."), {"cats": {"X": 1.0, "Y": 0.0}})
    with nlp.select_pipes(disable=["tagger"]):
        optimizer = nlp.initialize(lambda: [example])
    losses = nlp.update([example], sgd=optimizer, exclude=["tagger"], annotates=["tagger"])
    assert losses["textcat"] > 0
    assert nlp.update([example], sgd=optimizer)["textcat"] > 0
    assert nlp("A cat").has_annotation("TAG")


def test_parser_wants_sentences_or_a_setting() -> None:
    nlp = pipeline("parser")
    assert nlp.pipe_names == ["sentencizer", "parser"]
    doc = Doc(nlp.vocab, words=["a", "b"])
    with pytest.raises(BridgeError, match="'parser' needs sentence boundaries.*'sentencizer'"):
        nlp.get_pipe("parser")(doc)
    nlp = pipeline("parser", without_sentences="one")
    assert nlp.pipe_names == ["parser"]
    assert len(list(nlp("a. b. c.").sents)) == 1


def test_analysis_finds_the_missing_sentences() -> None:
    nlp = pipeline("parser")
    assert not nlp.analyze_pipes()["problems"]["parser"]
    nlp.remove_pipe("sentencizer")
    assert nlp.analyze_pipes()["problems"]["parser"] == ["token.is_sent_start"]


def test_analysis_knows_what_each_component_sets(nlp: Any) -> None:
    summary = nlp.analyze_pipes()["summary"]
    found = {name: summary[name]["assigns"] for name in ("parser", "ner", "tagger", "chunker")}
    assert found == {
        "parser": ["token.dep", "token.head", "token.is_sent_start", "doc.sents"],
        "ner": ["doc.ents", "token.ent_type", "token.ent_iob"],
        "tagger": ["token.tag"],
        "chunker": ["doc.spans"],
    }
    assert summary["parser"]["requires"] == ["token.is_sent_start"]
    assert {"dep_las", "dep_uas"} <= set(summary["parser"]["scores"])


def test_taggers_see_sentences_where_there_are_some() -> None:
    nlp = pipeline("tagger")
    seen = []
    saying(nlp, "tagger", lambda words: (seen.append(words), ["O"] * len(words))[1])
    nlp("a. b")
    nlp.get_pipe("tagger")(Doc(nlp.vocab, words=list("abc"), sent_starts=[1, 0, 1]))
    assert seen == [["a.", "b"], ["a", "b"], ["c"]]


@pytest.mark.parametrize(
    "policy, expected", [("keep", "ab0 de1"), ("override", "bc1 de1"), ("replace", "bc1 de1")]
)
def test_policy_for_entities_that_are_there(policy: str, expected: str) -> None:
    nlp = pipeline("ner", existing=policy)
    saying(nlp, "ner", lambda words: ["O", "B-1", "I-1", "B-1", "I-1", "O"])
    doc = Doc(nlp.vocab, words=list("abcdef"), spaces=[False] * 6)
    doc.ents = [Span(doc, 0, 2, label="0")]
    found = nlp.get_pipe("ner")(doc).ents
    assert " ".join(span.text + span.label_ for span in found) == expected
    doc.ents = [Span(doc, 5, 6, label="0")]
    kept = [span.text for span in nlp.get_pipe("ner")(doc).ents]
    assert kept == (["bc", "de"] if policy == "replace" else ["bc", "de", "f"])


@pytest.mark.parametrize(
    "policy, expected, blocked",
    [("keep", ["de"], "ab"), ("override", ["bc", "de"], "a"), ("replace", ["bc", "de"], "")],
)
def test_blocked_tokens_are_as_entities_that_are_there(
    policy: str, expected: Any, blocked: str
) -> None:
    nlp = pipeline("ner", existing=policy)
    saying(nlp, "ner", lambda words: ["O", "B-1", "I-1", "B-1", "I-1", "O"])
    doc = Doc(nlp.vocab, words=list("abcdef"), spaces=[False] * 6)
    doc.set_ents([], blocked=[Span(doc, 0, 2)])
    doc = nlp.get_pipe("ner")(doc)
    assert [span.text for span in doc.ents] == expected
    found = "".join(t.text for t in doc if t.ent_iob_ == "B" and not t.ent_type_)
    assert found == blocked
    assert doc[5].ent_iob_ == "O"


def test_long_sentences_are_cut_at_punctuation_with_a_warning() -> None:
    nlp = pipeline("parser", "tagger", max_words=8)
    words = ["w"] * 5 + [","] + ["w"] * 20
    doc = Doc(nlp.vocab, words=words)
    seen = []
    saying(nlp, "tagger", lambda part: (seen.append(len(part)), ["O"] * len(part))[1])
    with pytest.warns(
        UserWarning,
        match="parser: the doc that begins 'w w w w w , .*' has a sentence of 26 words, longer than "
        "max_words = 8",
    ):
        nlp(doc)
    with pytest.warns(UserWarning):
        seen.clear()
        nlp.get_pipe("tagger")(Doc(nlp.vocab, words=words))
    assert seen == [6, 8, 8, 4]
    assert [len(sentence) for sentence in doc.sents] == [6, 8, 8, 4]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nlp(Doc(nlp.vocab, words=["w"] * 8))


@pytest.mark.parametrize("way", ["disk", "bytes", "pickle", "pickle of the pipeline"])
def test_round_trips(nlp: Any, way: str, tmp_path: Path) -> None:
    expected = as_json(nlp.pipe(TEXTS))
    if way == "disk":
        nlp.to_disk(tmp_path / "nlp")
        again = spacy.load(tmp_path / "nlp")
        assert {path.name for path in (tmp_path / "nlp" / "ner").iterdir()} > {"manifest.json"}
    elif way == "bytes":
        again = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    elif way == "pickle":
        again = nlp
        for name in ("parser", "ner", "tagger", "chunker"):
            place = nlp.pipe_names.index(name)
            copy = pickle.loads(pickle.dumps(nlp.get_pipe(name)))
            assert copy.vocab is not nlp.vocab and copy.labels == nlp.get_pipe(name).labels
            assert type(nlp.pipeline[place][1]) is type(copy)
            doc = Doc(copy.vocab, words=["The", "fox"], sent_starts=[True, False])
            assert copy(doc).has_annotation("DEP" if name == "parser" else "TAG") in (True, False)
    else:
        again = pickle.loads(pickle.dumps(nlp))
    assert as_json(again.pipe(TEXTS)) == expected


def test_options_survive(tmp_path: Path) -> None:
    nlp = pipeline("chunker", spans_key="np", max_words=77)
    nlp.to_disk(tmp_path / "nlp")
    again = spacy.load(tmp_path / "nlp")
    assert again.get_pipe("chunker").spans_key == "np"
    assert again.get_pipe("chunker").max_words == 77
    assert "np" in again("The fox").spans


def test_renaming_selecting_and_another_language(tmp_path: Path) -> None:
    nlp = pipeline("tagger", "ner")
    nlp.rename_pipe("ner", "names")
    nlp.to_disk(tmp_path / "nlp")
    again = spacy.load(tmp_path / "nlp")
    assert again.pipe_names == ["sentencizer", "tagger", "names"]
    assert as_json([again(TEXTS[0])]) == as_json([nlp(TEXTS[0])])
    with again.select_pipes(enable=["names"]):
        assert not again("The fox").has_annotation("TAG")
    multi = spacy.blank("xx")
    multi.add_pipe("kd_ner", name="ner").from_disk(packaged("tagger"))
    assert multi.get_pipe("ner").labels == ("LOC", "PER")
    assert multi("The fox jumps").has_annotation("ENT_IOB")


def test_beside_components_of_spacy() -> None:
    nlp = pipeline("ner")
    ruler = nlp.add_pipe("entity_ruler", before="ner")
    ruler.add_patterns([{"label": "ANIMAL", "pattern": "fox"}])
    doc = nlp("The quick brown fox")
    assert ("fox", "ANIMAL") in [(span.text, span.label_) for span in doc.ents]
    nlp.add_pipe("merge_entities")
    assert "fox" in [token.text for token in nlp("The quick brown fox")]


def test_doc_bin_and_displacy(nlp: Any) -> None:
    docs = [doc for doc in nlp.pipe(TEXTS)]
    again = list(DocBin(docs=docs, store_user_data=True).get_docs(nlp.vocab))
    assert as_json(again) == as_json(docs)
    assert "<svg" in displacy.render(docs[0], style="dep", jupyter=False)
    assert "PER" in displacy.render(docs[0], style="ent", jupyter=False)


def test_scores(nlp: Any) -> None:
    examples = []
    for text in (
        TEXTS[1:2] + TEXTS[4:]
    ):  # spaCy counts gold whitespace, but not predicted whitespace
        examples.append(Example(nlp.make_doc(text), nlp(text)))
    scores = nlp.evaluate(examples)
    for name in ("tag_acc", "ents_f", "dep_uas", "dep_las", "sents_f", "spans_chunks_f"):
        assert scores[name] == 1.0, name
    wrong = examples[0].reference.copy()
    wrong.ents = []
    for token in wrong:
        token.tag_ = "other"
    scores = nlp.evaluate([Example(nlp.make_doc(wrong.text), wrong)])
    assert scores["tag_acc"] < 0.1 and scores["ents_p"] == 0.0 and scores["dep_las"] == 1.0


def test_an_empty_component_says_so(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("kd_ner", name="names")
    for act in (lambda: nlp("a"), nlp.to_bytes, lambda: nlp.to_disk(tmp_path / "nlp")):
        with pytest.raises(BridgeError, match="'names' has no student"):
            act()


def test_errors_go_to_the_error_handler_with_the_docs_that_fail() -> None:
    nlp = pipeline("ner")

    def answer(words: Any) -> Any:
        if "bad" in words:
            raise RuntimeError("no answer")
        return ["O"] * len(words)

    saying(nlp, "ner", answer)
    with pytest.raises(RuntimeError, match="no answer"):
        list(nlp.pipe(["a", "bad", "c"]))
    failed = []
    nlp.set_error_handler(
        lambda name, pipe, docs, error: failed.extend((name, doc.text) for doc in docs)
    )
    found = [doc.text for doc in nlp.pipe(["a", "bad", "c", "d"])]
    assert found == ["a", "c", "d"] and failed == [("ner", "bad")]


def ignore(name: str, pipe: Any, docs: Any, error: Exception) -> None:
    """An error handler that can be pickled."""


def test_the_error_handler_is_pickled_too() -> None:
    nlp = pipeline("ner")
    assert pickle.loads(pickle.dumps(nlp.get_pipe("ner"))).get_error_handler() is not ignore
    nlp.set_error_handler(ignore)
    assert pickle.loads(pickle.dumps(nlp)).get_pipe("ner").get_error_handler() is ignore


@pytest.mark.parametrize(
    "component, config, message",
    [
        (
            "kd_ner",
            {"existing": "drop"},
            "existing must be one of keep, override, replace, found 'drop'",
        ),
        ("kd_tagger", {"attribute": "lemma"}, "attribute must be one of tag, pos, found 'lemma'"),
        ("kd_parser", {"without_sentences": "guess"}, "must be one of raise, one, found 'guess'"),
        ("kd_parser", {"max_words": 0}, "max_words must be at least 1, found 0"),
        ("kd_chunker", {"threads": 0}, "threads must be at least 1, found 0"),
    ],
)
def test_options_that_are_no_options(component: str, config: Any, message: str) -> None:
    with pytest.raises(BridgeError, match=message):
        spacy.blank("en").add_pipe(component, name="x", config=config)


def test_students_that_do_not_fit_a_component() -> None:
    nlp = spacy.blank("en")
    with pytest.raises(PackageError, match="'a' runs a parser, found a tagger"):
        nlp.add_pipe("kd_parser", name="a").from_disk(packaged("tagger"))
    with pytest.raises(PackageError, match="other tags: O, B-PER.*set attribute to 'tag'"):
        nlp.add_pipe("kd_tagger", name="b", config={"attribute": "pos"}).from_disk(
            packaged("tagger")
        )


def test_a_huge_sentence_takes_linear_time() -> None:
    import time

    nlp = pipeline("parser", without_sentences="one", max_words=50)
    load_student(packaged("tagger"), "tagger", nlp=nlp, max_words=50)
    load_student(packaged("tagger"), "ner", nlp=nlp, max_words=50)
    times = []
    for size in (2000, 16000):
        doc = Doc(nlp.vocab, words=["word", "x", "The"] * (size // 3))
        start = time.perf_counter()
        with pytest.warns(UserWarning):
            for _, pipe in nlp.pipeline:
                doc = pipe(doc)
        times.append(time.perf_counter() - start)
        assert doc.has_annotation("DEP", require_complete=True)
    assert times[1] < 30 * times[0]  # linear is 8, quadratic 64


def test_labels(nlp: Any) -> None:
    assert nlp.get_pipe("ner").labels == ("LOC", "PER")
    assert set(nlp.get_pipe("parser").labels) >= {"ROOT", "nsubj", "nmod:poss"}
    assert nlp.get_pipe("tagger").labels[-1] == "_SP"
    assert numpy.all([label in nlp.vocab.strings for label in nlp.get_pipe("ner").labels])
