import argparse
import json
import shlex
import tarfile
from pathlib import Path

import pytest
from _jsonnet import evaluate_snippet
from allennlp.common import Params
from allennlp.common.checks import ConfigurationError

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.archives.configuration import LARGEST
from allennlp_kd.archives.limits import MAX_GIB
from allennlp_kd.commands.init import KdInit
from allennlp_kd.init_config.configuration import Choices, configuration
from allennlp_kd.init_config.corpus_profile import CorpusProfile, reader_for
from allennlp_kd.init_config.student_sizes import TRAINING, epochs_of
from allennlp_kd.init_config.teacher_profile import (
    TeacherProfile,
    profile_teacher,
    run_configuration,
    span_encoding,
)
from tests.archives.building import packed
from tests.configs.corpora import write_corpora
from tests.teachers.archives import train_tagger
from tests.teachers.checkpoints import write_checkpoint
from tests.teachers.parsers import conllu, train_parser

ROOT = Path(__file__).resolve().parents[2]
CHUNKS = ["O", "B-NP", "I-NP", "B-VP"]


def run(*words: str) -> None:
    parser = argparse.ArgumentParser()
    KdInit().add_subparser(parser.add_subparsers())
    arguments = parser.parse_args(["kd-init", *map(str, words)])
    arguments.func(arguments)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    return write_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="module")
def tagger(tmp_path_factory):
    return train_tagger(tmp_path_factory.mktemp("tagger"))


@pytest.fixture(scope="module")
def parser(tmp_path_factory):
    return train_parser(tmp_path_factory.mktemp("parser") / "parser", False)


def chunks(corpora):
    folder = corpora / "conll2000"
    return ["--train", folder / "train-first-7936.txt", "--dev", folder / "dev-last-1000.txt"]


def trees(corpora):
    path = corpora / "trees.conllu"
    path.write_text(conllu(), encoding="utf-8")
    return ["--train", path, "--dev", path]


def written(path):
    return Params.from_file(str(path)).as_dict(quiet=True)


def test_of_a_tagger(corpora, tagger, tmp_path, capsys):
    output = tmp_path / "distill.jsonnet"
    run(tagger, *chunks(corpora), "--output", output)
    config = written(output)
    assert config["dataset_reader"]["reader"]["type"] == "conll2000"
    assert config["dataset_reader"]["reader"]["tag_label"] == "chunk"
    assert config["model"]["student"]["type"] == "crf_tagger_student"
    assert config["model"]["student"]["label_encoding"] == "BIO"
    assert config["model"]["teacher"] == config["dataset_reader"]["teacher"]
    assert config["model"]["teacher"]["teacher"] == {"type": "archive", "archive_file": tagger}
    assert config["trainer"]["validation_metric"] == "+f1-measure-overall"
    said = capsys.readouterr().out
    assert "teacher: a tagger (archive) with " in said and "labels in BIO" in said
    assert "On this machine: scoring about 1 minute, training about 1 minute" in said
    assert f"Next: allennlp kd-distill {output} -s runs/distill" in said


def test_of_a_parser_with_text(corpora, parser, tmp_path, capsys):
    text = tmp_path / "text.txt"
    text.write_text("A small model tags this. And this.\n")
    output = tmp_path / "distill.jsonnet"
    options = ["--student", "medium", "--tenth", "--text", text, "--explain", "--no-estimate"]
    run(parser, *trees(corpora), "--output", output, *options)
    config = written(output)
    assert config["model"]["student"]["type"] == "biaffine_parser_student"
    assert config["dataset_reader"]["labelled_fraction"] == 0.1
    assert config["train_data_path"]["unlabelled"] == str(text)
    assert config["dataset_reader"]["unlabelled_reader"]["type"] == "plain_text"
    assert config["trainer"]["validation_metric"] == "+LAS"
    said = capsys.readouterr().out
    assert "text: about 7 words" in said and "labelled_fraction 0.1: because of --tenth" in said
    assert "On this machine" not in said


def test_of_a_checkpoint(corpora, tmp_path, capsys):
    folder = write_checkpoint(tmp_path / "checkpoint", "bert", CHUNKS)
    output = tmp_path / "distill.jsonnet"
    run(folder, *chunks(corpora), "--output", output, "--no-estimate")
    config = written(output)
    assert config["model"]["teacher"]["teacher"] == {
        "type": "transformers",
        "model_name": str(folder),
    }
    assert config["dataset_reader"]["reader"] == {
        **config["dataset_reader"]["reader"],
        "type": "conll2000",
        "tag_label": "chunk",
    }
    assert "warning: " in capsys.readouterr().out
    run(
        folder,
        *chunks(corpora),
        "--output",
        output,
        "--no-estimate",
        "--force",
        "--student",
        "large",
    )
    embedder = written(output)["model"]["student"]["text_field_embedder"]["token_embedders"]
    assert embedder["tokens"]["type"] == "pretrained_transformer_layers"
    assert embedder["tokens"]["model_name"] == str(folder)


def test_a_checkpoint_of_bioes_is_called_bioul(tmp_path):
    labels = ["O", "B-P", "I-P", "E-P", "S-P"]
    folder = write_checkpoint(tmp_path / "checkpoint", "bert", labels)
    path = tmp_path / "a.txt"
    path.write_text("the B-P\nsmall I-P\nmodel O\n")
    output = tmp_path / "distill.jsonnet"
    run(folder, "--train", path, "--dev", path, "--output", output, "--no-estimate")
    config = written(output)
    names = ["O", "B-P", "I-P", "L-P", "U-P"]
    assert config["model"]["teacher"]["teacher"]["label_names"] == names
    assert config["model"]["student"]["label_encoding"] == "BIOUL"
    reader = config["dataset_reader"]["reader"]
    assert (reader["type"], reader["encoding"]) == ("column_tags", "BIOUL")


def test_labels_in_no_known_encoding_are_marked(tmp_path, capsys):
    path = tmp_path / "silver.txt"
    path.write_text("Ann PER\nsleeps O\n")
    run(path, "--train", path, "--dev", path, "--output", tmp_path / "x.jsonnet", "--no-estimate")
    assert "check: the teacher's labels (PER, O) follow no known enc" in capsys.readouterr().out
    assert "// CHECK: the teacher's labels (PER, O)" in (tmp_path / "x.jsonnet").read_text()


@pytest.mark.parametrize(
    "there, more, message",
    [
        (
            ["ner", "pos", "depparse"],
            [],
            "models for ner, pos, depparse: choose one with --processor",
        ),
        (["ner"], ["--processor", "pos"], "has no Stanza model for pos, it has models for ner"),
        (["ner"], ["--language", "tr"], "in the language 'tr'; it has the languages en: name one"),
        ([], [], "has the languages none"),
    ],
)
def test_folders_of_stanza_models(corpora, there, more, message, tmp_path):
    (tmp_path / "resources.json").write_text("{}")
    for processor in there:
        (tmp_path / "en" / processor).mkdir(parents=True)
        (tmp_path / "en" / processor / "x.pt").touch()
    with pytest.raises(ConfigurationError, match=message):
        run(tmp_path, *chunks(corpora), "--output", tmp_path / "x.jsonnet", *more)


def test_of_annotations(corpora, tmp_path):
    path = tmp_path / "silver.jsonl"
    path.write_text(json.dumps({"words": ["a"], "tags": ["B-NP"]}))
    output = tmp_path / "distill.jsonnet"
    run(path, *chunks(corpora), "--output", output, "--no-estimate")
    teacher = written(output)["model"]["teacher"]["teacher"]
    assert teacher == {"type": "annotations", "files": str(path)}


def test_the_next_command_can_be_pasted(corpora, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("silver.jsonl").write_text(json.dumps({"words": ["a"], "tags": ["B-NP"]}))
    output = "my files/it's mine.jsonnet"
    run("silver.jsonl", *chunks(corpora), "--output", output, "--no-estimate", "--language", "de")
    command = ["allennlp", "kd-distill", output, "-s", "runs/it's mine"]
    said = capsys.readouterr().out.splitlines()[-1].split("Next: ")[1]
    assert shlex.split(said) == [*command, "--package", "NAME", "--language", "de"]
    lines = Path(output).read_text().splitlines()[2:5]
    assert [shlex.split(line.split("allennlp")[1]) for line in lines] == [
        command[1:],
        ["kd-score", output],
        ["train", *command[2:]],
    ]


def test_it_replaces_nothing_unasked(corpora, tagger, tmp_path):
    output = tmp_path / "distill.jsonnet"
    output.write_text("mine")
    with pytest.raises(ConfigurationError, match="already exists: give --force to replace it"):
        run(tagger, *chunks(corpora), "--output", output)
    assert output.read_text() == "mine"


def test_missing_files(tagger, tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder, expected a file"):
        run(tagger, "--train", tmp_path, "--dev", tmp_path)
    with pytest.raises(ConfigurationError, match="the file .*nowhere does not exist"):
        run(tagger, "--train", tmp_path / "nowhere", "--dev", tmp_path / "nowhere")


def test_what_is_no_teacher(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs/empty").mkdir(parents=True)
    Path("broken.tar.gz").write_text("no archive")
    for name in ("nothing", "runs/nothing", "runs/empty"):
        with pytest.raises(
            ConfigurationError, match=f"{name} is not a teacher: expected an AllenNLP archive"
        ):
            profile_teacher(name)
    with pytest.raises(ConfigurationError, match="broken.tar.gz is damaged or not an archive"):
        profile_teacher("broken.tar.gz")
    with tarfile.open("other.tar.gz", "w:gz") as archive:
        archive.add("broken.tar.gz")
    with pytest.raises(ConfigurationError, match="other.tar.gz is not an AllenNLP archive"):
        profile_teacher("other.tar.gz")


class TestRunConfiguration:
    """Reads no more than the limits allow; `tests/archives/test_attacks.py` has the other attacks."""

    def test_a_bomb_before_the_configuration(self, tmp_path, monkeypatch):
        (tmp_path / "files").mkdir()
        (tmp_path / "files/bomb").write_bytes(bytes(3 << 20))
        (tmp_path / "files/config.json").write_text('{"model": {}}')
        path = packed(tmp_path / "files")
        assert run_configuration(path) == {"model": {}}
        monkeypatch.setenv(MAX_GIB, "0.002")
        with pytest.raises(ConfigurationError, match="is larger than 0.002 GiB"):
            run_configuration(path)

    def test_a_large_configuration(self, tmp_path):
        (tmp_path / "files").mkdir()
        (tmp_path / "files/config.json").write_text('{"model": {}}' + " " * LARGEST)
        with pytest.raises(ConfigurationError, match="config.json of .* is 16,777,229 bytes long"):
            run_configuration(packed(tmp_path / "files"))

    @pytest.mark.parametrize("content", ["[" * 100_000, '{"model": NaN}', "{", '{"labels": 3}'])
    def test_other_files_and_folders_are_none(self, content, tmp_path):
        """Annotations, and the folders of checkpoints, whose `config.json` may be a link to a cache."""
        (tmp_path / "cache.json").write_text(content)
        assert run_configuration(tmp_path / "cache.json") is None
        (tmp_path / "checkpoint").mkdir()
        (tmp_path / "checkpoint/config.json").symlink_to(tmp_path / "cache.json")
        assert run_configuration(tmp_path / "checkpoint") is None

    def test_a_linked_configuration_needs_trust(self, tmp_path):
        run = tmp_path / "run"
        (run / "vocabulary").mkdir(parents=True)
        (run / "best.th").touch()
        (tmp_path / "config.json").write_text('{"model": {}}')
        (run / "config.json").symlink_to(tmp_path / "config.json")
        with pytest.raises(ConfigurationError, match="which is a link to .* outside it"):
            run_configuration(run)
        assert run_configuration(run, trust=True) == {"model": {}}


def test_a_large_student_needs_layers(corpora, tagger, tmp_path):
    with pytest.raises(
        ConfigurationError, match="the teacher has no transformer: choose --student medium"
    ):
        run(tagger, *chunks(corpora), "--output", tmp_path / "x.jsonnet", "--student", "large")
    assert not (tmp_path / "x.jsonnet").exists()


def test_an_unknown_reader_is_marked():
    teacher = TeacherProfile("archive", {}, "chain", CHUNKS, "BIO", {"type": "my_reader"}, None)
    corpus = CorpusProfile({"type": "my_reader"}, 1, 1, set(), 0, "tokens")
    text = configuration(teacher, corpus, Choices("train", "dev"))
    assert "// CHECK: the teacher's reader 'my_reader' is unknown to kd-init" in text


@pytest.mark.parametrize(
    "labels, encoding",
    [
        (["O", "B-X", "I-X"], "BIO"),
        (["B-X", "I-X"], "BIO"),
        (["O", "B-X"], "BIO"),
        (["O", "I-X"], "IOB1"),
        (["O", "B-X", "I-X", "I-Y"], "IOB1"),
        (["O", "B-X", "I-X", "U-X", "L-X"], "BIOUL"),
        (["O", "B-X", "M-X", "E-X", "S-X"], "BMES"),
        (["NOUN", "O"], None),
        (["X-Y", "O"], None),
        (["O"], None),
    ],
)
def test_encodings(labels, encoding):
    assert span_encoding(labels) == encoding


@pytest.mark.parametrize(
    "name, content, expected",
    [
        ("a.txt", "a###B-NP b###O\n", {"type": "sequence_tagging"}),
        ("a.txt", "a DT B-NP O\n", {"type": "conll2003", "tag_label": "chunk"}),
        ("a.txt", "a DT B-NP\n", {"type": "conll2000", "tag_label": "chunk"}),
        ("a.txt", "a B-NP\n", {"type": "column_tags", "column": 1}),
        ("a.txt", "a\tB-NP\n", {"type": "column_tags", "column": 1}),
        ("a.txt", "\ufeff-DOCSTART- O\n\na B-NP\n", {"type": "column_tags", "column": 1}),
        ("a.txt", "a I-NP\nb O\n", {"type": "column_tags", "column": 1, "encoding": "BIO"}),
        ("a.txt", "a DT I-NP\nb X O\n", {"type": "column_tags", "column": 2, "encoding": "BIO"}),
        ("a.txt", "a S-NP\nb O\n", {"type": "column_tags", "column": 1, "encoding": "BIO"}),
        ("a.txt", "a x DT B-NP O\n", {"type": "column_tags", "column": 3}),
        ("a.conllu", "# x\n" + "\t".join("1 a _ O B-NP _ 0 root _ _".split()) + "\n",
         {"type": "conllu_tagging", "column": "xpos"}),
    ],
)  # fmt: skip
def test_formats(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_text(content)
    teacher = TeacherProfile("annotations", {}, "chain", CHUNKS, "BIO", None, None)
    assert reader_for(teacher, str(path)) == expected


@pytest.mark.parametrize(
    "content, structure, message",
    [
        ("a b c\nd e\n", "chain", "word###tag; found lines of 2, 3 columns"),
        ("a\nb\n", "chain", "found lines of 1 columns"),
        ("a DT B-NP\n", "tree", "a parser needs CoNLL-U with 10 columns"),
        ("", "chain", "is empty: expected an annotated file"),
    ],
)
def test_unknown_formats(tmp_path, content, structure, message):
    path = tmp_path / "a.txt"
    path.write_text(content)
    teacher = TeacherProfile("annotations", {}, structure, CHUNKS, "BIO", None, None)
    with pytest.raises(ConfigurationError, match=message):
        reader_for(teacher, str(path))


def test_iob1_is_noticed(corpora, tagger, tmp_path, capsys):
    folder = corpora / "conll2000"
    train = tmp_path / "train.txt"
    train.write_text((folder / "train-first-7936.txt").read_text().replace(" B-", " I-"))
    run(tagger, "--train", train, "--dev", folder / "dev-last-1000.txt",
        "--output", tmp_path / "x.jsonnet", "--no-estimate")  # fmt: skip
    assert "are I-X without a preceding B-X or I-X, as in IOB1" in capsys.readouterr().out


def test_text_makes_fewer_epochs_of_more_words():
    assert epochs_of("small", 200_000, 0) == TRAINING["small"]["epochs"] == 20
    assert epochs_of("small", 100_000, 1_000) == 20  # hardly more than the corpus
    assert epochs_of("small", 200_000, 300_000) == 8
    assert epochs_of("small", 200_000, 800_000) == epochs_of("small", 200_000, 5_000_000) == 4
    assert epochs_of("large", 100_000, 1_000) == TRAINING["large"]["epochs"] == 10


@pytest.mark.parametrize("size", ["small", "medium"])
@pytest.mark.parametrize("task, structure", [("chunking", "chain"), ("parsing", "tree")])
def test_students_are_those_of_the_training_configurations(size, task, structure, monkeypatch):
    monkeypatch.setenv("ALLENNLP_KD_DATA", "data")
    path = ROOT / "training_configs" / task / f"distill_{size}.jsonnet"
    theirs = Params.from_file(str(path)).as_dict(quiet=True)
    encoding = "BIO" if structure == "chain" else None
    teacher = TeacherProfile("archive", {}, structure, CHUNKS, encoding, None, None)
    corpus = CorpusProfile({"type": "conll2000"}, 1, 1, set(), 0, "tokens")
    text = configuration(teacher, corpus, Choices("train", "dev", student=size))
    ours = json.loads(evaluate_snippet("ours", text))
    student, expected = ours["model"]["student"], theirs["model"]["student"]
    for name in ("arc_representation_dim", "tag_representation_dim", "dropout", "input_dropout"):
        assert student.get(name) == expected.get(name), name
    encoder = {**expected["encoder"], "dropout": student["encoder"]["dropout"]}
    assert student["encoder"] == encoder
    (embedder,) = student["text_field_embedder"]["token_embedders"].values()
    (other,) = expected["text_field_embedder"]["token_embedders"].values()
    assert {**embedder, "features": sorted(embedder["features"])} == other
    assert ours["trainer"]["num_epochs"] == theirs["trainer"]["num_epochs"]
    assert ours["model"]["alpha"] == theirs["model"]["alpha"]
    assert student.get("initializer") == expected.get("initializer")
    assert (
        ours["data_loader"]["batch_sampler"]["batch_size"]
        == (theirs["data_loader"]["batch_sampler"]["batch_size"])
    )
    assert ours["trainer"]["optimizer"] == theirs["trainer"]["optimizer"]
    assert ours["trainer"]["grad_norm"] == theirs["trainer"]["grad_norm"]
