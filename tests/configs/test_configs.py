"""Every configuration is trained for a step on corpora of a few sentences."""

import json
import re
import shutil
from pathlib import Path

import pytest
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.common.plugins import import_plugins
from allennlp.common.util import import_module_and_submodules
from allennlp.data import Vocabulary
from allennlp.models import load_archive

from tests.configs.corpora import columns, write_corpora, write_vectors
from tests.models.parsing import instances, parser
from tests.modules.conftest import save_bert
from tests.teachers.archives import train_tagger
from tests.teachers.parsers import conllu, train_parser

ROOT = Path(__file__).resolve().parents[2] / "training_configs"
EXAMPLES = sorted((ROOT / "examples").glob("*.jsonnet"))
TAGGING = ("chunking", "named_entities", "part_of_speech", "sentences", "demo")
PARSING = ("parsing", "demo/parsing")
TASKS = (*TAGGING, *PARSING)
CONFIGS = sorted(path for task in TASKS for path in (ROOT / task).glob("*.jsonnet"))
# By the task whose teacher each is distilled from.
OBJECTIVES = [
    *(("named_entities", path) for path in sorted((ROOT / "objectives").glob("*.jsonnet"))),
    *(("parsing", path) for path in sorted((ROOT / "objectives" / "parsing").glob("*.jsonnet"))),
]
WIDTH = 8  # of the tiny transformer
VECTORS = {"the": 0.25, "unheard": 0.5}  # each number of the vectors of words


def small_size(config, task) -> dict:
    """Overrides, by dotted keys, that make a configuration tiny and leave its shape as it is."""
    changes = {"trainer.num_epochs": 1, "trainer.cuda_device": -1}
    prefix = "model.student." if config["model"]["type"] == "distillation" else "model."
    model = config["model"].get("student", config["model"])
    if model["encoder"]["type"] == "pass_through":
        changes[f"{prefix}encoder.input_dim"] = WIDTH
        reader = config["dataset_reader"]
        reader_prefix = "dataset_reader.reader." if "reader" in reader else "dataset_reader."
        for name in (
            f"{prefix}text_field_embedder.token_embedders.",
            f"{reader_prefix}token_indexers.",
        ):
            changes[f"{name}tokens.max_length"] = 16
    if "min_count" in config.get("vocabulary", {}):
        changes["vocabulary.min_count.tokens"] = 1
    if "labelled_fraction" in config["dataset_reader"]:
        changes["dataset_reader.labelled_fraction"] = 0.5  # a tenth of four sentences may be none
    if config["model"]["type"] == "distillation":
        teacher, inner = config["model"]["teacher"], "teacher"
        if teacher["type"] == "converted":
            teacher, inner = teacher["teacher"], "teacher.teacher"
        moved = {}
        if teacher["type"] == "store":
            moved[f"{inner}.directory"] = task / Path(teacher["directory"]).name
            teacher, inner = teacher["teacher"], f"{inner}.teacher"
        moved[f"{inner}.archive_file"] = in_run(teacher["archive_file"], task)
        for name in ("dataset_reader", "model"):
            changes.update({f"{name}.{key}": str(path) for key, path in moved.items()})
        embedder = model["text_field_embedder"]["token_embedders"].get("tokens", {})
        if "from_archive" in embedder:
            start = in_run(embedder["from_archive"], task)
            changes[f"{prefix}text_field_embedder.token_embedders.tokens.from_archive"] = str(start)
    return changes


def in_run(archive: str, task: Path) -> Path:
    """The archive of the run of the same name in another folder of runs."""
    return task / Path(archive).parent.name / "model.tar.gz"


def task_of(path: Path) -> str:
    return str(path.parent.relative_to(ROOT))


def train(path: Path, run: Path):
    config = Params.from_file(str(path)).as_dict(quiet=True)
    changes = small_size(config, run.parent)
    return train_model(Params.from_file(str(path), params_overrides=changes), str(run))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    import_plugins()
    import_module_and_submodules("allennlp_kd")
    folder = tmp_path_factory.mktemp("configs")
    patch = pytest.MonkeyPatch()
    patch.setenv("ALLENNLP_KD_DATA", str(write_corpora(folder / "data")))
    patch.setenv("ALLENNLP_KD_TRANSFORMER", str(save_bert(folder / "transformer", depth=3)))
    patch.setenv("ALLENNLP_KD_VECTORS", str(write_vectors(folder / "vectors.txt", VECTORS)))
    yield folder
    patch.undo()


@pytest.fixture(scope="module")
def teachers(environment):
    """A folder for each task, with the runs that others start from."""
    for task in TASKS:
        for start in ("teacher*", "warm_start*"):
            for path in (ROOT / task).glob(f"{start}.jsonnet"):
                train(path, environment / task / path.stem)
    return environment


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: f"{task_of(path)}-{path.stem}")
def test_trains(path, teachers):
    run = teachers / task_of(path) / path.stem
    if not path.stem.startswith(("teacher", "warm_start")):
        train(path, run)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["best_epoch"] == 0
    assert metrics["training_loss"] > 0
    assert "test_loss" in metrics
    if path.stem.startswith(("distill", "warm_start")):
        assert metrics["training_distillation_loss"] > 0
    if path.stem.startswith("distill"):
        assert metrics["training_gold_loss"] > 0
        assert 0 <= metrics["validation_agreement"] <= 1
    if task_of(path) in PARSING and path.stem != "distill_tagger":
        assert 0 <= metrics["best_validation_LAS"] <= metrics["best_validation_UAS"] <= 1
    assert load_archive(str(run / "model.tar.gz")).model is not None


@pytest.mark.slow
@pytest.mark.parametrize("task,path", OBJECTIVES, ids=lambda part: getattr(part, "stem", part))
def test_trains_by_each_objective(task, path, teachers):
    run = teachers / task / f"objective_{path.stem}"
    model = train(path, run)
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["training_distillation_loss"] > 0
    assert 0 <= metrics["validation_agreement"] <= 1
    header = json.loads(Path(model.teacher.directory, "header.json").read_text(encoding="utf-8"))
    needed = "marginals" in model.objective.needs and task in TAGGING
    assert header["header"].get("marginals", False) == needed


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_train_where_their_files_are(path, environment, tmp_path, monkeypatch):
    chunks = columns(lambda row: row[0], lambda row: row[1], lambda row: row[2])
    for name in ("train", "dev"):
        (tmp_path / f"{name}.txt").write_text(chunks, encoding="utf-8")
        (tmp_path / f"{name}.conllu").write_text(conllu(), encoding="utf-8")
    folder = "teacher" if path.stem == "tagger" else "parser"
    (tmp_path / folder).mkdir()
    work = tmp_path / "work"
    archive = train_tagger(work) if path.stem == "tagger" else train_parser(work, with_tags=False)
    shutil.copy(archive, tmp_path / folder / "model.tar.gz")
    monkeypatch.chdir(tmp_path)
    changes = {"trainer.num_epochs": 1, "trainer.cuda_device": -1}
    train_model(Params.from_file(str(path), params_overrides=changes), f"runs/{path.stem}")
    metrics = json.loads(Path(f"runs/{path.stem}/metrics.json").read_text(encoding="utf-8"))
    assert metrics["training_distillation_loss"] > 0 and metrics["training_gold_loss"] > 0
    assert Path(f"runs/{path.stem}-store/header.json").is_file()


def test_examples_are_one_file_and_what_kd_init_writes():
    from _jsonnet import evaluate_snippet

    from allennlp_kd.init_config.configuration import Choices, configuration
    from allennlp_kd.init_config.corpus_profile import CorpusProfile
    from allennlp_kd.init_config.teacher_profile import TeacherProfile

    kinds = {
        "tagger": ("teacher", "chain", "BIO", "tokens", "txt"),
        "parser": ("parser", "tree", None, "words", "conllu"),
    }
    readers = {
        "tagger": {"type": "conll2000", "tag_label": "chunk"},
        "parser": {"type": "universal_dependencies"},
    }
    assert {path.stem for path in EXAMPLES} == set(kinds)
    for path in EXAMPLES:
        text = path.read_text(encoding="utf-8")
        assert "import" not in text and text.count("// ") > 15
        archive, structure, encoding, field, suffix = kinds[path.stem]
        config = {"type": "archive", "archive_file": f"{archive}/model.tar.gz"}
        teacher = TeacherProfile("archive", config, structure, [], encoding, None, None)
        corpus = CorpusProfile(readers[path.stem], 1, 1, set(), 0, field)
        choices = Choices(f"train.{suffix}", f"dev.{suffix}", run=f"runs/{path.stem}")
        written = configuration(teacher, corpus, choices)
        ours, theirs = (json.loads(evaluate_snippet("x", each)) for each in (text, written))
        assert ours == theirs


def test_each_objective_has_a_configuration():
    from allennlp_kd.objectives.objective import Objective

    import_module_and_submodules("allennlp_kd.objectives")
    texts = [path.read_text(encoding="utf-8") for _, path in OBJECTIVES]
    for name in {"token", "marginal", "top_k", "structural", "substructured"}:
        assert name in Objective.list_available()
        assert sum(f'type: "{name}"' in text for text in texts) >= 2


def test_each_task_has_a_teacher_a_student_and_its_distillation():
    for task in TASKS:
        found = {path.stem for path in CONFIGS if task_of(path) == task}
        assert {"teacher", "student", "distill"} <= found
        assert task in ("demo/parsing", "sentences") or "distill_transformer" in found
    parsing = {path.stem for path in CONFIGS if task_of(path) == "parsing"}
    assert {"teacher_bilstm", "student_transformer"} <= parsing


@pytest.mark.slow
@pytest.mark.parametrize("student", ["student", "student_transformer"])
def test_parsers_with_part_of_speech_input(student, environment, tmp_path):
    """All of a task whose `tags` is a width: its teachers and students embed them."""
    folder = ROOT / "parsing"
    task = f'(import "{folder}/task.libsonnet") {{ tags: 6 }}'
    paths = {}
    for name in ("teacher", "teacher_bilstm", student, student.replace("student", "distill")):
        paths[name] = tmp_path / f"{name}.jsonnet"
        content = f'(import "{ROOT}/lib/parsing.libsonnet").{name}({task})'
        paths[name].write_text(content, encoding="utf-8")
    for name, path in paths.items():
        config = Params.from_file(str(path)).as_dict(quiet=True)
        changes = small_size(config, tmp_path)
        for key in changes:
            if key.endswith("encoder.input_dim"):
                changes[key] = WIDTH + 6
        train_model(Params.from_file(str(path), params_overrides=changes), str(tmp_path / name))
        model = load_archive(str(tmp_path / name / "model.tar.gz")).model
        assert model._pos_tag_embedding.get_output_dim() == 6
    header = json.loads((tmp_path / "store" / "header.json").read_text(encoding="utf-8"))["header"]
    assert header["structure"] == "tree" and header["takes_tags"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["named_entities", "parsing"])
def test_students_know_words_of_the_vectors_that_no_sentence_has(task, teachers, tmp_path):
    model = train(ROOT / task / "student_vectors.jsonnet", tmp_path / "run")
    weight = model.text_field_embedder.token_embedder_tokens.weight
    index = model.vocab.get_token_to_index_vocabulary("tokens")["unheard"]
    assert weight[index].tolist() == pytest.approx([VECTORS["unheard"]] * 50)


@pytest.mark.parametrize(
    "name,config",
    [
        ("ALLENNLP_KD_DATA", "teacher"),
        ("ALLENNLP_KD_TRANSFORMER", "teacher"),
        ("ALLENNLP_KD_VECTORS", "student_vectors"),
    ],
)
def test_a_variable_that_is_not_set_is_named(name, config, monkeypatch):
    for other in ("ALLENNLP_KD_DATA", "ALLENNLP_KD_TRANSFORMER", "ALLENNLP_KD_VECTORS"):
        monkeypatch.setenv(other, "somewhere")
    monkeypatch.delenv(name)
    with pytest.raises(
        RuntimeError, match=f"undefined external variable: {name}(.|\n)*set_{name}_to_"
    ):
        Params.from_file(str(ROOT / "named_entities" / f"{config}.jsonnet"))


def test_a_missing_data_file_is_named(tmp_path, monkeypatch):
    import_plugins()
    monkeypatch.setenv("ALLENNLP_KD_DATA", str(tmp_path))
    import_module_and_submodules("allennlp_kd")
    config = Params.from_file(str(ROOT / "demo" / "student.jsonnet"))
    with pytest.raises(FileNotFoundError, match="turkish/train.conllu"):
        train_model(config, str(tmp_path / "run"))


@pytest.mark.parametrize("task", ["chunking", "parsing"])
def test_a_tenth_is_the_distillation_but_for_the_gold(task, monkeypatch):
    monkeypatch.setenv("ALLENNLP_KD_DATA", "data")
    whole, tenth = (
        Params.from_file(str(ROOT / task / f"{name}.jsonnet")).as_dict(quiet=True)
        for name in ("distill", "distill_tenth")
    )
    assert tenth["dataset_reader"].pop("labelled_fraction") == 0.1
    assert tenth == whole


def test_raw_text_is_beside_the_training_data_alone(monkeypatch):
    monkeypatch.setenv("ALLENNLP_KD_DATA", "data")
    tenth, text = (
        Params.from_file(str(ROOT / "chunking" / f"{name}.jsonnet")).as_dict(quiet=True)
        for name in ("distill_tenth", "distill_text")
    )
    paths = text.pop("train_data_path")
    assert paths == {"labelled": tenth.pop("train_data_path"), "unlabelled": "data/raw/en.txt"}
    reader = text["dataset_reader"]
    assert reader.pop("unlabelled_reader")["type"] == "plain_text"
    assert reader.pop("unlabelled_ratio") is None
    assert text == tenth


@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_parsers_by_size_start_from_scores_of_zero(size, monkeypatch):
    for name in ("ALLENNLP_KD_DATA", "ALLENNLP_KD_TRANSFORMER"):
        monkeypatch.setenv(name, "somewhere")
    path = ROOT / "parsing" / f"distill_{size}.jsonnet"
    student = Params.from_file(str(path)).as_dict(quiet=True)["model"]["student"]
    vocab = Vocabulary.from_instances(instances())
    model = parser("biaffine_parser_student", vocab, initializer=student["initializer"])
    zero = {name for name, value in model.named_parameters() if not value.any()}
    assert {"arc_attention._weight_matrix", "tag_bilinear.weight"} <= zero
    assert all("bias" in name for name in zero if not name.endswith(("matrix", "weight")))


PAGE = ROOT.parent / "docs" / "how-to" / "training_configs.md"


def test_the_page_has_the_layout_that_the_configurations_read():
    sources = [path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.*sonnet"))]
    read = {
        name for text in sources for name in re.findall(r'environment\.data\("([^"]+)"\)', text)
    }
    layout = PAGE.read_text(encoding="utf-8").split("The layout of `ALLENNLP_KD_DATA`")[1]
    assert set(re.findall(r"^\| `([\w./-]+)` \|", layout, re.MULTILINE)) == read


def test_the_page_names_each_configuration_of_a_task():
    text = PAGE.read_text(encoding="utf-8")
    tasks = ("chunking", "named_entities", "part_of_speech", "parsing")
    names = {path.stem for path in CONFIGS if task_of(path) in tasks}
    elsewhere = {name for name in names if "independent" in name or name == "distill_tagger"}
    assert [name for name in sorted(names - elsewhere) if f"`{name}`" not in text] == []


def test_a_corpus_is_added_with_one_file_as_the_page_says(tmp_path, monkeypatch):
    monkeypatch.setenv("ALLENNLP_KD_DATA", "data")
    task, experiment = re.findall(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    shutil.copytree(ROOT / "lib", tmp_path / "lib")
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "task.libsonnet").write_text(task, encoding="utf-8")
    for name in ("student", "distill", "distill_small", "distill_medium"):
        path = tmp_path / "news" / f"{name}.jsonnet"
        path.write_text(experiment.replace("distill_small", name), encoding="utf-8")
        config = Params.from_file(str(path)).as_dict(quiet=True)
        assert config["train_data_path"] == "data/news/train.txt"
        assert config["model"].get("student", config["model"])["label_encoding"] == "BIO"
