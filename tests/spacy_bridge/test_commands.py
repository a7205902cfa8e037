"""The commands, and the wheel that they build."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from typing import Any, List

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_bridge import load_student
from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError
from spacy_bridge.packaging.student_files import student_files
from spacy_bridge.packaging.wheel import save_pipeline
from spacy_bridge.runtime.manifest import sum_up
from spacy_bridge.runtime.open_student import open_student
from tests.spacy_bridge.archives import parser, tagger
from tests.spacy_bridge.pipelines import packaged, pipeline
from tests.spacy_bridge.serving_environment import link_serving

TEXT = "The quick brown fox jumps. Dr. Smith visited London!"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(archive_of: Any, tmp_path: Path) -> List[str]:
    return [
        "package", str(tmp_path / "out"), "--parser", str(archive_of(parser())),
        "--ner", str(archive_of(tagger())), "--component", "chunker", "phrases",
        str(archive_of(tagger())), "--decoder", "exact", "--name", "tiny", "--version", "1.2.3",
        "--author", "Somebody", "--license", "MIT",
    ]  # fmt: skip


def test_package(command: List[str], tmp_path: Path, capsys: Any) -> None:
    assert main([*command, "--lang", "de", "--description", "Small"]) == 0
    folder = tmp_path / "out" / "de_tiny-1.2.3"
    assert capsys.readouterr().out.strip() == str(folder)
    nlp = spacy.load(folder)
    assert nlp.pipe_names == ["sentencizer", "parser", "ner", "phrases"]
    assert nlp.meta["author"] == "Somebody" and nlp.meta["license"] == "MIT"
    assert nlp.meta["description"] == "Small" and nlp.lang == "de"
    spacy_range, requirement = nlp.meta["requirements"]
    assert spacy_range == f"spacy{nlp.meta['spacy_version']}" and spacy.__version__ in spacy_range
    assert requirement.startswith("allennlp-kd>=") and ",<" in requirement
    doc = nlp(TEXT)
    assert doc.has_annotation("DEP") and "chunks" in doc.spans

    assert main([*command, "--lang", "de"]) == 1
    assert "already exists; replace it with --force" in capsys.readouterr().err
    assert main([*command, "--lang", "de", "--force"]) == 0


@pytest.mark.parametrize(
    "option,value,message",
    [
        ("--name", "a b", "name must consist of letters, digits and underscores, found 'a b'"),
        ("--version", "one", "version must be a Python version number, such as 1.0.0, found 'one'"),
        ("--name", "a\n", "name must consist of letters, digits and underscores, found"),
        (
            "--version",
            "1.0\n",
            "version must be a Python version number, such as 1.0.0, found '1.0\\n'",
        ),
        (
            "--version",
            " 1.0",
            "version must be a Python version number, such as 1.0.0, found ' 1.0'",
        ),
        ("--lang", "qq", "lang must be a language that spaCy supports, found 'qq'"),
        (
            "--lang",
            "en.lex_attrs",
            "lang must be a language code of two or three letters, such as en, found 'en.lex_attrs'",
        ),
        (
            "--lang",
            "../x",
            "lang must be a language code of two or three letters, such as en, found '../x'",
        ),
    ],
)
def test_a_package_that_nobody_could_install_is_refused(
    command: List[str], option: str, value: str, message: str, tmp_path: Path, capsys: Any
) -> None:
    assert main([*command, option, value]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("fault", ["license", "saving", "renaming"])
def test_a_pipeline_stays_if_its_replacement_fails(
    fault: str, tmp_path: Path, monkeypatch: Any
) -> None:
    nlp = pipeline("ner")
    folder = save_pipeline(nlp, tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    license_file = tmp_path / "gone" if fault == "license" else None

    def fail(*arguments: Any, **options: Any) -> None:
        if fault == "saving" or Path(arguments[0]).name == "new":
            raise OSError("no space left")
        rename(*arguments)

    rename = os.rename
    if fault == "saving":
        monkeypatch.setattr(type(nlp.get_pipe("ner")), "to_disk", fail)
    if fault == "renaming":
        monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(OSError, match="gone" if fault == "license" else "no space left"):
        save_pipeline(nlp, tmp_path, force=True, license_file=license_file)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [folder]
    monkeypatch.undo()
    nlp.meta["description"] = "new"
    assert save_pipeline(nlp, tmp_path, force=True) == folder
    assert spacy.load(folder).meta["description"] == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_scores_go_into_the_meta(command: List[str], tmp_path: Path, capsys: Any) -> None:
    assert main(command) == 0
    folder = tmp_path / "out" / "en_tiny-1.2.3"
    nlp = spacy.load(folder)
    DocBin(docs=list(nlp.pipe([TEXT, "The fox"]))).to_disk(tmp_path / "gold.spacy")
    scored = [*command, "--force", "--scores", str(tmp_path / "gold.spacy"), "--gold-tokens"]
    assert main(scored) == 0
    performance = json.loads((folder / "meta.json").read_text())["performance"]
    assert performance["ents_f"] == 1.0 and performance["dep_uas"] == 1.0
    assert "speed" not in performance
    DocBin().to_disk(tmp_path / "gold.spacy")
    capsys.readouterr()
    assert main(scored) == 1
    assert "contains no docs to measure scores on" in capsys.readouterr().err


def test_spacy_evaluates_a_packaged_pipeline(
    command: List[str], tmp_path: Path, capsys: Any
) -> None:
    from spacy.cli.evaluate import evaluate

    assert main(command) == 0
    folder = tmp_path / "out" / "en_tiny-1.2.3"
    DocBin(docs=list(spacy.load(folder).pipe([TEXT, "The fox"]))).to_disk(tmp_path / "gold.spacy")
    evaluate(folder, tmp_path / "gold.spacy", tmp_path / "scores.json", silent=True)
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["ents_f"] == scores["dep_uas"] == scores["dep_las"] == scores["sents_f"] == 1.0
    assert set(scores["dep_las_per_type"]) <= set(spacy.load(folder).get_pipe("parser").labels)


def test_another_version_of_spacy_is_warned_of(command: List[str], tmp_path: Path) -> None:
    assert main(command) == 0
    path = tmp_path / "out" / "en_tiny-1.2.3" / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps({**meta, "spacy_version": ">=2.0.0,<2.1.0"}))
    with pytest.warns(UserWarning, match=r"W095.*'en_tiny' \(1.2.3\) was trained with spaCy v2.0"):
        spacy.load(path.parent)


def test_faults_are_said_in_one_line(archive_of: Any, tmp_path: Path, capsys: Any) -> None:
    out, parsers = str(tmp_path), str(archive_of(parser()))
    broken = tmp_path / "broken.spacy"
    broken.write_bytes(b"nothing")
    listed = tmp_path / "sources.json"
    listed.write_text('[{"name": "Treebank"}, {"x": 1}]')
    for arguments, message in (
        ([], "a pipeline needs at least one student: give --ner"),
        (["--ner", str(tmp_path / "gone")], "cannot be opened as an archive"),
        (["--parser", str(archive_of(tagger()))], "decoder is for parsers|'parser' runs a parser"),
        (["--ner", str(archive_of(tagger())), "--ner", str(archive_of(tagger()))],
         "already has a component 'ner'"),
        (["--ner", str(archive_of(tagger(label_encoding=None)))], "package it with an encoding"),
        (["--ner", str(archive_of(tagger())), "--encoding", "X"], "the encoding 'X' is given"),
        (["--ner", "x", "--decoder", "exact"], "--decoder exact needs a parser, and there is none"),
        (["--tagger", "x", "--encoding", "BIO"], "--encoding BIO needs a chunker or ner, and there is none"),
        (["--ner", "x", "--set", "ner.existing"], "must have the form NAME.OPTION=VALUE, found 'ner.existing'"),
        (["--ner", "x", "--set", "names.existing=keep"], "names no component of the pipeline: expected one of ner"),
        (["--ner", "x", "--gold-tokens"], "--gold-tokens needs --scores"),
        (["--parser", parsers, "--decoder", "exact", "--sentences", "splitter"],
         "or a spaCy factory such as sentencizer, found 'splitter'"),
        (["--parser", parsers, "--decoder", "exact", "--sentences", "senter"],
         "sentences must be a factory whose component needs no training, found 'senter'"),
        (["--component", "parser", "sentencizer", parsers, "--decoder", "exact"],
         "already has a component 'sentencizer'"),
        (["--ner", str(archive_of(tagger())), "--sources", str(broken)], "broken.spacy must contain JSON: "),
        (["--ner", str(archive_of(tagger())), "--sources", str(listed)],
         "must contain a list of objects with name and, if known, url, author and license; found {'x': 1}"),
        (["--ner", str(archive_of(tagger())), "--license-file", str(tmp_path / "gone")], "No such file"),
        (["--ner", str(archive_of(tagger())), "--scores", str(broken)],
         f"{broken} cannot be read to measure scores: "),
        *((["--component", "ner", name, str(archive_of(tagger()))],
           f"must not be one of spaCy's names vocab, tokenizer; found {name!r}")
          for name in ("vocab", "tokenizer", "a.b", "../up", "meta.json", "")),
    ):  # fmt: skip
        assert main(["package", out, *arguments]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith("error: ") and any(part in error for part in message.split("|"))
    with pytest.raises(SystemExit):
        main(["package", out, "--component", "lemmatizer", "x", "y"])
    assert (
        "expected one of senter, tagger, pos, ner, chunker, parser, found 'lemmatizer'"
        in capsys.readouterr().err
    )
    with pytest.raises(SystemExit):
        main([])


def test_an_encoding_may_be_given(archive_of: Any, tmp_path: Path) -> None:
    path = str(archive_of(tagger(label_encoding=None)))
    assert main(["package", str(tmp_path), "--ner", path, "--encoding", "IOB1"]) == 0
    nlp = spacy.load(tmp_path / "en_students-0.0.0")
    assert nlp.get_pipe("ner").student.encoding == "IOB1"


def test_parts_of_speech(archive_of: Any, tmp_path: Path) -> None:
    path = str(archive_of(tagger(tags=["NOUN", "VERB", "X"], label_encoding=None)))
    assert main(["package", str(tmp_path), "--pos", path]) == 0
    nlp = spacy.load(tmp_path / "en_students-0.0.0")
    assert nlp.analyze_pipes()["summary"]["pos"]["assigns"] == ["token.pos"]
    doc = nlp("The  fox")
    assert {token.pos_ for token in doc} <= {"NOUN", "VERB", "X", "SPACE"}
    assert doc[1].pos_ == "SPACE" and not doc.has_annotation("TAG")


def test_tags_and_parts_of_speech_in_one_pipeline(archive_of: Any, tmp_path: Path) -> None:
    tags = str(archive_of(tagger()))
    pos = str(archive_of(tagger(tags=["NOUN", "VERB", "X"], label_encoding=None)))
    assert main(["package", str(tmp_path), "--tagger", tags, "--pos", pos]) == 0
    nlp = spacy.load(tmp_path / "en_students-0.0.0")
    assert nlp.pipe_names == ["sentencizer", "tagger", "pos"]
    doc = nlp("The fox")
    assert {token.tag_ for token in doc} <= set(tagger()["tags"])
    assert {token.pos_ for token in doc} <= {"NOUN", "VERB", "X"}


def test_options_of_components(archive_of: Any, tmp_path: Path, capsys: Any) -> None:
    path = str(archive_of(tagger()))
    command = ["package", str(tmp_path), "--chunker", path, "--component", "chunker", "names", path]
    assert main(command) == 1
    assert "'chunker' and 'names' both set doc.spans['chunks']" in capsys.readouterr().err
    settings = ["--set", "names.spans_key=names", "--set", "names.max_words=7"]
    assert main([*command, *settings, "--sentences", "none"]) == 0
    nlp = spacy.load(tmp_path / "en_students-0.0.0")
    assert nlp.pipe_names == ["chunker", "names"] and nlp.get_pipe("names").max_words == 7
    assert set(nlp("The fox").spans) == {"chunks", "names"}


def test_demo_writes_a_page(command: List[str], tmp_path: Path, capsys: Any) -> None:
    main(command)
    (tmp_path / "text").write_text(f"{TEXT} <script>alert(1)</script> & 日本", encoding="utf-8")
    page = tmp_path / "page.html"
    folder = str(tmp_path / "out" / "en_tiny-1.2.3")
    assert main(["demo", folder, str(tmp_path / "text"), "--output", str(page)]) == 0
    content = page.read_text(encoding="utf-8")
    assert content.startswith("<!DOCTYPE html>") and content.count("<svg") >= 2
    assert 'class="entities"' in content and "<h2>chunks</h2>" in content and "日本" in content
    assert "<script>" not in content
    (tmp_path / "text").write_text("")
    assert main(["demo", folder, str(tmp_path / "text"), "--output", str(page)]) == 0
    assert "<title>Empty text</title>" in page.read_text()
    (tmp_path / "text").write_bytes(b"caf\xe9")
    capsys.readouterr()
    assert main(["demo", folder, str(tmp_path / "text"), "--output", str(page)]) == 1
    assert "text is not UTF-8 text" in capsys.readouterr().err


def test_load_student(archive_of: Any, tmp_path: Path) -> None:
    nlp = load_student(archive_of(parser()), decoder="exact")
    assert nlp.pipe_names == ["sentencizer", "parser"]
    assert load_student(archive_of(tagger()), nlp=nlp, name="names") is nlp
    assert (
        nlp.pipe_names[-1] == "names" and type(nlp.get_pipe("names")).__name__ == "StudentEntities"
    )
    plain = load_student(archive_of(tagger(label_encoding=None)), lang="de")
    assert plain.pipe_names == ["sentencizer", "tagger"] and plain.lang == "de"
    assert load_student(packaged("tagger"), "chunker").pipe_names == ["sentencizer", "chunker"]
    for options in ({"int8": True}, {"transformer": "folder"}):
        with pytest.raises(BridgeError, match="is packaged already"):
            load_student(packaged("tagger"), **options)
    with pytest.raises(BridgeError, match="component must be one of .*, found 'lemmatizer'"):
        load_student(packaged("tagger"), "lemmatizer")
    with pytest.raises(BridgeError, match="'ner' runs a tagger, found a parser"):
        load_student(packaged("parser"), "ner", nlp=nlp)
    assert "ner" not in nlp.pipe_names  # a student that does not fit leaves nothing behind
    nlp = spacy.blank("en")
    with pytest.raises(BridgeError, match="'parser' runs a parser, found a tagger"):
        load_student(packaged("tagger"), "parser", nlp=nlp)
    with pytest.raises(BridgeError, match="max_words must be at least 1"):
        load_student(packaged("parser"), "parser", nlp=nlp, max_words=0)
    assert nlp.pipe_names == []


def test_load_student_opens_packaged_pipelines_and_wheels(
    command: List[str], tmp_path: Path, capsys: Any
) -> None:
    assert main([*command, "--lang", "de", "--build", "wheel", "--no-isolation"]) == 0
    folder, wheel = map(Path, capsys.readouterr().out.split())
    expected = spacy.load(folder)(TEXT)
    for source in (folder, wheel):
        nlp = load_student(source, "parser")
        assert nlp.pipe_names == ["sentencizer", "parser"] and nlp.lang == "de"
        assert [token.dep_ for token in nlp(TEXT)] == [token.dep_ for token in expected]
        load_student(source, "phrases", nlp=nlp)
        assert nlp.pipe_names[-1] == "phrases"
        assert type(nlp.get_pipe("phrases")).__name__ == "StudentChunker"
        with pytest.raises(
            BridgeError, match="contains the students parser, ner, phrases: set component to one"
        ):
            load_student(source)
    plain = spacy.blank("en")
    plain.add_pipe("sentencizer")
    plain.to_disk(tmp_path / "plain")
    (tmp_path / "text.whl").write_text("text")
    with zipfile.ZipFile(tmp_path / "empty.whl", "w"):
        pass
    (folder / "ner" / "network.onnx").unlink()
    for source, message in (
        (tmp_path / "plain", "is a pipeline without a packaged student"),
        (tmp_path / "text.whl", "cannot be opened as a wheel"),
        (tmp_path / "empty.whl", "contains no spaCy pipeline"),
        (folder, "ner is incomplete"),
    ):
        with pytest.raises(BridgeError, match=message):
            load_student(source)


def test_without_the_training_side(tmp_path: Path, monkeypatch: Any) -> None:
    """What is packaged opens without torch and onnx; what is not says which command installs them."""
    script = f"""
import sys
for name in ("torch", "onnx", "allennlp", "allennlp_models", "transformers"):
    sys.modules[name] = None
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if sys.modules.get(name, 0) is None else found(name, *rest)
import spacy_bridge.packaging.needed_packages as needed
needed.find_spec = importlib.util.find_spec
from spacy_bridge import load_student
from spacy_bridge.__main__ import main
from spacy_bridge.errors import BridgeError
print(load_student({str(packaged("parser"))!r}).pipe_names)
try:
    load_student({str(tmp_path)!r})
except BridgeError as error:
    print(error)
sys.exit(main(["package", {str(tmp_path)!r}, "--ner", "x"]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1 and done.stdout.splitlines() == [
        "['sentencizer', 'parser']",
        f"packaging {tmp_path} needs torch and onnx, which serving does not need: "
        "pip install 'allennlp-kd[package]'",
    ]
    assert done.stderr.splitlines() == [
        "error: packaging a student needs torch and onnx, which serving does not need: "
        "pip install 'allennlp-kd[package]'"
    ]


@pytest.mark.parametrize("encoder", ["lstm", "gru", "stacked_bidirectional_lstm"])
def test_int8_is_smaller_and_mostly_agrees(archive_of: Any, sentences: Any, encoder: str) -> None:
    config = tagger(encoder={"type": encoder, "input_size": 31, "hidden_size": 64, "num_layers": 2})
    path = archive_of(config, scale=1.0)
    answers, sizes = [], []
    for int8 in (False, True):
        files = student_files(path, int8=int8)
        sizes.append(len(files["network.onnx"]) + len(files["weights.safetensors"]))
        answers.append(open_student({**files, "manifest.json": sum_up(files)})(sentences))
    words = [pair for one, other in zip(*answers) for pair in zip(one, other)]
    assert sum(one == other for one, other in words) >= 0.9 * len(words)
    assert sizes[1] < (0.4 if encoder == "lstm" else 1.01) * sizes[0]


@pytest.mark.slow
def test_a_wheel_in_a_fresh_environment(command: List[str], tmp_path: Path, capsys: Any) -> None:
    """Nothing is fetched: what serving needs is linked from here, package by package."""
    (tmp_path / "text").write_text("Do what you like.")
    (tmp_path / "sources.json").write_text('[{"name": "Treebank", "license": "CC BY"}]')
    described = [
        "--license-file",
        str(tmp_path / "text"),
        "--sources",
        str(tmp_path / "sources.json"),
    ]
    assert main([*command, *described, "--build", "wheel", "--no-isolation"]) == 0
    wheel = Path(capsys.readouterr().out.split()[-1])
    assert wheel.name == "en_tiny-1.2.3-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as content:
        assert any(name.endswith("ner/network.onnx") for name in content.namelist())
        (metadata,) = (name for name in content.namelist() if name.endswith("METADATA"))
        text = content.read(metadata).decode()
        assert "Requires-Dist: allennlp-kd" in text and "Author: Somebody" in text
        spacy_range = spacy.load(wheel.parent / "en_tiny-1.2.3").meta["spacy_version"]
        assert f"Requires-Dist: spacy{spacy_range}" in text.replace(" (", "").replace(
            ")", ""
        ) or all(f"{bound}" in text for bound in spacy_range.split(","))
        licenses = [name for name in content.namelist() if name.endswith("LICENSE")]
        assert any(".dist-info/" in name for name in licenses) and len(licenses) == 2
        assert content.read(licenses[0]) == b"Do what you like."
        (meta,) = (name for name in content.namelist() if name.endswith("1.2.3/meta.json"))
        assert json.loads(content.read(meta))["sources"][0]["name"] == "Treebank"
        assert "Treebank" in text  # the README that spaCy makes of it
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    link_serving(packages)
    own = tmp_path / "own"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
         "--quiet", "--wheel-dir", str(own), str(ROOT)],
        check=True,
    )  # fmt: skip
    (ours,) = own.glob("*.whl")
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-index",
        "--find-links",
        str(own),
    ]
    # Where the sources are on the path, pip would take them for installed.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([*install, str(ours), str(wheel)], check=True, timeout=300, env=environment)
    script = (
        "import sys, spacy\n"
        f"doc = spacy.load('en_tiny')({TEXT!r})\n"
        "assert doc.has_annotation('DEP') and 'chunks' in doc.spans\n"
        "absent = {'torch', 'allennlp', 'transformers', 'onnx', 'tokenizers', 'allennlp_models'}\n"
        "import importlib.util\n"
        "assert not [name for name in absent if importlib.util.find_spec(name)]\n"
        "print(*[token.dep_ for token in doc])\n"
    )
    done = subprocess.run(
        [str(python), "-I", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    nlp = spacy.load(tmp_path / "out" / "en_tiny-1.2.3")
    assert done.stdout.split() == [token.dep_ for token in nlp(TEXT)]
