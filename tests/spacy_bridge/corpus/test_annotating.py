"""A corpus annotated by several workers, one of which is killed, is what one process makes of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from spacy_bridge.__main__ import main
from spacy_bridge.corpus.annotator import Annotator, doc_of
from spacy_bridge.corpus.output_folder import open_output
from spacy_bridge.corpus.pipeline_digest import pipeline_digest
from spacy_bridge.corpus.row import Row
from spacy_bridge.errors import BridgeError
from tests.spacy_bridge.corpus.killing import run_and_kill
from tests.spacy_bridge.corpus.test_pieces import treebank
from tests.spacy_bridge.pipelines import pipeline

ROOT = Path(__file__).parents[3]
LINES = [f"The fox number {n} jumps over Dr. Müller. It is lazy !" for n in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nlp") / "pipeline"
    pipeline().to_disk(folder)
    return folder


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    return path


def annotate(*words):
    assert main(["annotate", *map(str, words)]) == 0


def contents(folder, suffix="spacy"):
    return {path.name: path.read_bytes() for path in folder.glob(f"*.{suffix}")}


def docs(folder, vocab):
    for path in sorted(folder.glob("*.spacy")):
        yield from DocBin().from_disk(path).get_docs(vocab)


def test_as_the_pipeline_does(folder, corpus, tmp_path, capsys):
    out = tmp_path / "out"
    annotate(folder, corpus, "--output", out, "--shard", 7)
    assert "9 shards of 60 sentences made" in capsys.readouterr().out
    nlp = spacy.load(folder)
    found = list(docs(out, nlp.vocab))
    assert len(found) == len(LINES)
    for doc, expected in zip(found, nlp.pipe(LINES)):
        assert doc.to_json() == expected.to_json()
        assert {name: list(map(str, spans)) for name, spans in doc.spans.items()} == {
            name: list(map(str, spans)) for name, spans in expected.spans.items()
        }
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*.spacy")}
    lost = sorted(stamps)[4]
    before = lost.read_bytes()
    lost.unlink()
    annotate(folder, corpus, "--output", out, "--shard", 7)
    assert "1 shards of 7 sentences made" in capsys.readouterr().out
    assert lost.read_bytes() == before
    assert all(path == lost or path.stat().st_mtime_ns == at for path, at in stamps.items())


@pytest.mark.parametrize("kind", ["spacy", "parquet"])
def test_a_part_that_is_not_whole_is_made_again(kind, folder, corpus, tmp_path, capsys):
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / "out"
    command = [folder, corpus, "--output", out, "--shard", 20, "--to", kind]
    annotate(*command)
    before = contents(out, kind)
    first, second, third = sorted(out.glob(f"part-*.{kind}"))
    first.write_bytes(b"")
    second.write_bytes(second.read_bytes()[:-3])
    third.write_bytes(b"X" * 100)
    capsys.readouterr()
    annotate(*command)
    assert "3 shards of 60 sentences made" in capsys.readouterr().out
    assert contents(out, kind) == before
    annotate(*command)
    assert "0 shards of 0 sentences made" in capsys.readouterr().out


def test_ids_of_entities_and_user_data_are_kept(tmp_path, capsys):
    if not Doc.has_extension("colour"):
        Doc.set_extension("colour", default=None)

    @Language.component("paints")
    def paints(doc):
        doc._.colour = "red"
        doc.user_data["count"] = len(doc)
        return doc

    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ANIMAL", "pattern": "fox", "id": "vulpes"}])
    nlp.add_pipe("paints")
    nlp.to_disk(tmp_path / "nlp")
    (tmp_path / "corpus.txt").write_text("One fox.\n")
    for name, options in (("without", []), ("with", ["--user-data"])):
        out = tmp_path / name
        annotate(tmp_path / "nlp", tmp_path / "corpus.txt", "--output", out, *options)
        (doc,) = docs(out, spacy.blank("en").vocab)
        (entity,) = doc.ents
        assert (entity.label_, entity.ent_id_) == ("ANIMAL", "vulpes")
        assert doc.user_data.get("count") == (3 if options else None)
        assert doc._.colour == ("red" if options else None)
    command = ["annotate", tmp_path / "nlp", tmp_path / "corpus.txt", "--output", tmp_path / "with"]
    assert main([*map(str, command), "--to", "parquet", "--user-data"]) == 1
    assert main([*map(str, command)]) == 1
    assert "was made with another user_data" in capsys.readouterr().err


def test_words_stay_as_they_are(folder, tmp_path):
    path = tmp_path / "trees.conllu"
    path.write_text(treebank([["Dr.", "x.y", "No", ".", "More"], ["a"]]), encoding="utf-8")
    annotate(folder, path, "--output", tmp_path / "out")
    first, second = docs(tmp_path / "out", spacy.load(folder).vocab)
    assert [token.text for token in first] == ["Dr.", "x.y", "No", ".", "More"]
    assert first.has_annotation("TAG") and first.has_annotation("DEP")
    assert len(list(first.sents)) == 1 and len(second) == 1


def test_without_a_parser_sentences_are_kept(tmp_path):
    nlp = pipeline("tagger")
    if "sentencizer" not in nlp.pipe_names:
        nlp.add_pipe("sentencizer", first=True)
    nlp.to_disk(tmp_path / "nlp")
    (tmp_path / "corpus.txt").write_text("One fox. Two foxes.\n")
    annotate(tmp_path / "nlp", tmp_path / "corpus.txt", "--output", tmp_path / "out")
    (doc,) = docs(tmp_path / "out", nlp.vocab)
    assert [str(sentence) for sentence in doc.sents] == ["One fox.", "Two foxes."]


def test_parquet(folder, corpus, tmp_path):
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    out = tmp_path / "out"
    annotate(folder, corpus, "--output", out, "--to", "parquet", "--shard", 25)
    rows = [
        row
        for path in sorted(out.glob("*.parquet"))
        for row in parquet.read_table(path).to_pylist()
    ]
    for row, doc in zip(rows, spacy.load(folder).pipe(LINES)):
        assert row["text"] == doc.text and row["words"] == [token.text for token in doc]
        assert row["tags"] == [token.tag_ for token in doc]
        assert row["heads"] == [token.head.i for token in doc]
        assert row["deps"] == [token.dep_ for token in doc]
        assert row["pos"] is None or len(row["pos"]) == len(doc)
        entities = [{"start": e.start, "end": e.end, "label": e.label_} for e in doc.ents]
        assert row["entities"] == entities
        assert [span["start"] for span in row["spans"]] == [
            span.start for spans in doc.spans.values() for span in spans
        ]
    assert len(rows) == len(LINES)
    # What was written can be read again, as words.
    annotate(folder, *sorted(out.glob("*.parquet")), "--output", tmp_path / "again")
    again = list(docs(tmp_path / "again", spacy.load(folder).vocab))
    assert [[token.text for token in doc] for doc in again] == [row["words"] for row in rows]


@pytest.mark.slow
def test_a_worker_is_killed(folder, corpus, tmp_path):
    corpus.write_text("\n".join(LINES * 60) + "\n", encoding="utf-8")
    annotate(folder, corpus, "--output", tmp_path / "one", "--shard", 100)
    out = tmp_path / "two"

    def command(scheduler):
        annotate(folder, corpus, "--output", out, "--shard", 100, "--scheduler", scheduler)

    alive, killed, done = run_and_kill(command, out, "*.spacy")
    assert len(alive) == 2 and killed not in alive and done < 36
    assert contents(out) == contents(tmp_path / "one") and len(contents(out)) == 36


@pytest.mark.slow
def test_several_workers_by_the_command(folder, corpus, tmp_path):
    annotate(folder, corpus, "--output", tmp_path / "one", "--shard", 7)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "spacy_bridge", "annotate", folder, corpus]
        + ["--output", "two", "--shard", "7", "--workers", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and "9 shards of 60 sentences made" in done.stdout, done.stderr
    assert contents(tmp_path / "two") == contents(tmp_path / "one")


def test_what_is_refused(folder, corpus, tmp_path, capsys):
    def error(*words):
        assert main(["annotate", *map(str, words)]) == 1
        return capsys.readouterr().err

    out = tmp_path / "out"
    assert "nowhere is neither the folder of a pipeline nor an installed package" in error(
        "nowhere", corpus, "--output", out
    )
    annotate(folder, corpus, "--output", out)
    found = error(folder, corpus, "--output", out, "--shard", 3)
    assert "was made with another shard: expected 3, found 1024" in found
    pipeline("tagger").to_disk(tmp_path / "other")
    assert "made with another pipeline" in error(tmp_path / "other", corpus, "--output", out)
    other = tmp_path / "other.txt"
    other.write_text("Another.\n")
    found = error(folder, other, "--output", out)
    assert "has 1 parts that do not belong to these inputs, the first is part-000000-" in found
    assert "found both: 2, tcp://x:1" in error(
        folder, other, "--output", tmp_path / "o", "--workers", 2, "--scheduler", "tcp://x:1"
    )
    task = Annotator(str(folder), "0123", str(out), "spacy")
    with pytest.raises(
        BridgeError, match="different on this worker: expected the digest 0123, found"
    ):
        task.open()
    assert json.loads((out / "run.json").read_text())["pipeline"] == pipeline_digest(str(folder))
    other.write_text("Long. " * 200_000)
    found = error(folder, other, "--output", tmp_path / "long")
    assert (
        "a text of 1200000 characters is too long for the pipeline, which takes at most 1000000"
        in found
    )
    assert "begins 'Long. Long." in found and not list((tmp_path / "long").glob("*.spacy"))


def test_rows_become_docs():
    nlp = spacy.blank("en")
    assert [token.text for token in doc_of(nlp, Row(text="It's"))] == ["It", "'s"]
    assert [token.text for token in doc_of(nlp, Row(words=("It's",)))] == ["It's"]


def test_one_process_imports_neither_dask_nor_the_training_side(folder, corpus, tmp_path):
    code = (
        "import sys\nsys.modules.update(torch=None, transformers=None, distributed=None, dask=None)\n"
        "from spacy_bridge.__main__ import main\n"
        f"assert main(['annotate', {str(folder)!r}, {str(corpus)!r}, '--output', 'out']) == 0\n"
        "print(*sorted({name.split('.')[0] for name, module in sys.modules.items() if module}))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert not {"allennlp_kd", "allennlp", "pyarrow"} & set(done.stdout.split())


@pytest.mark.parametrize("content", ["", '{"pipe', "[1]", "[" * 100_000])
def test_a_damaged_record_of_a_run(content: str, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(
        BridgeError, match="run.json (is damaged|must contain an object).*another one"
    ):
        open_output(tmp_path, {"pipeline": "x"}, [])
