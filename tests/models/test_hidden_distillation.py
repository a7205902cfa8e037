"""Objectives that learn (`hidden`, and a scale), from `allennlp train` to the archive."""

import json
import logging
import shutil

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models import load_archive
from allennlp.training.optimizers import make_parameter_groups

from allennlp_kd.fields.optional_field import OptionalField
from allennlp_kd.models.distillation import Distillation
from allennlp_kd.objectives.hidden import Hidden
from allennlp_kd.objectives.objective import Objective
from allennlp_kd.objectives.substructured import Substructured
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.models.experiments import distillation_config
from tests.models.tagging import instances, tagger, tensors, vocabulary

OBJECTIVE = {
    "type": "sum",
    "objectives": {
        "hidden": {"type": "hidden"},
        "local": {"type": "substructured"},
        "scores": {"type": "substructured", "match": "scores", "learned_scale": True},
    },
    "weights": {"hidden": 0.5, "scores": 0.1},
}
RESUMABLE = {
    "type": "resumable",
    "num_epochs": 3,
    "checkpointer": {"type": "whole", "save_every_num_batches": 1},
}


def config(data, kind="archive", **trainer):
    found = distillation_config(data, kind, **trainer)
    found["model"]["objective"] = json.loads(json.dumps(OBJECTIVE))
    found["model"]["student"]["encoder"]["hidden_size"] = 3
    found["trainer"]["callbacks"] = []
    return found


def train(found, run, recover=False):
    train_model(Params(json.loads(json.dumps(found))), str(run), recover=recover)


class Watched:
    """How many batches were trained on, and what is learned before the last of them."""

    last, kill_at, counted = {}, None, 0


@pytest.fixture
def watched(monkeypatch):
    Watched.last, Watched.kill_at, Watched.counted = {}, None, 0
    original = Distillation.forward

    def forward(self, *args, **kwargs):
        if self.training:
            Watched.last = {name: value.clone() for name, value in self.learned_state().items()}
            Watched.counted += 1
            if Watched.counted == Watched.kill_at:
                raise SystemError("killed")
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Distillation, "forward", forward)


def test_a_killed_run_ends_with_the_same_weights(teacher_run, tmp_path, watched):
    found = config(teacher_run, **RESUMABLE)
    train(found, tmp_path / "whole")
    expected, number = Watched.last, Watched.counted
    assert set(expected) == {"0.0.weight", "0.0.bias", "1.logarithm"}
    # In the middle of the second epoch.
    Watched.counted, Watched.kill_at = 0, number // 2 + 1
    with pytest.raises(SystemError, match="killed"):
        train(found, tmp_path / "run")
    at_kill = Watched.last
    Watched.kill_at = None
    train(found, tmp_path / "run", recover=True)
    assert all(torch.equal(Watched.last[name], value) for name, value in expected.items())
    # It was trained on after the kill, so it cannot be the same by chance.
    assert not any(torch.equal(at_kill[name], value) for name, value in expected.items())
    assert expected["1.logarithm"] != 0
    weights = [
        load_archive(tmp_path / run / "model.tar.gz").model.state_dict() for run in ("whole", "run")
    ]
    assert all(torch.equal(weights[0][name], value) for name, value in weights[1].items())


@pytest.fixture(scope="module")
def finished(teacher_run, tmp_path_factory):
    run = tmp_path_factory.mktemp("hidden") / "run"
    train(config(teacher_run, **RESUMABLE), run)
    return run


def test_the_archive_has_nothing_of_what_the_objective_learns(finished, tmp_path):
    shutil.unpack_archive(finished / "model.tar.gz", tmp_path)
    weights = torch.load(tmp_path / "weights.th")
    model = load_archive(finished / "model.tar.gz").model
    assert list(weights) == list(model.state_dict())
    parts = ("learned", "projection.0", "logarithm")
    assert not any(part in name for name in weights for part in parts)
    for path in finished.glob("model_state*.th"):
        assert list(torch.load(path)) == list(weights)


def test_is_logged_and_goes_down(finished):
    metrics = json.loads((finished / "metrics.json").read_text())
    for part in ("training", "validation"):
        names = ("hidden", "local", "scores")
        parts = [metrics[f"{part}_distillation_loss/{name}"] for name in names]
        total = metrics[f"{part}_distillation_loss"]
        assert total == pytest.approx(0.5 * parts[0] + parts[1] + 0.1 * parts[2], rel=1e-5)
    first = json.loads((finished / "metrics_epoch_0.json").read_text())
    name = "training_distillation_loss/hidden"
    assert metrics[name] < first[name]


def test_a_store_is_refused(teacher_run, tmp_path):
    shutil.copytree(teacher_run, tmp_path / "data")
    match = (
        r"WeightedSum needs hidden, which the teacher StoreTeacher does not provide "
        r"\(it provides only potentials\)\. A live archive provides hidden vectors\."
    )
    with pytest.raises(Exception, match=match):
        train(config(tmp_path / "data", "store"), tmp_path / "run")


def test_a_layer_that_the_teacher_lacks(teacher_run):
    vocab = vocabulary()
    teacher = ArchiveTeacher(str(teacher_run / "run" / "model.tar.gz"))
    student = tagger("crf_tagger_student", vocab)
    for side, other in (("student", "teacher"), ("teacher", "student")):
        objective = Hidden([{side: "pooler", other: "encoder"}])
        with pytest.raises(Exception, match=f"found 'pooler' of the {side}"):
            Distillation(vocab, student, teacher, objective, labels="same")


def model(teacher_run, **options):
    vocab = vocabulary()
    torch.manual_seed(0)
    student = tagger("crf_tagger_student", vocab, label_encoding="BIO")
    teacher = ArchiveTeacher(str(teacher_run / "run" / "model.tar.gz"))
    return Distillation(vocab, student, teacher, alpha=1.0, **options)


def batch(found, rows):
    read = instances()
    found.teacher.attach([read[row] for row in rows])
    for row in set(range(len(read))) - set(rows):
        read[row].add_field("teacher", OptionalField(None))
    return tensors(found.vocab, read)


def test_the_vectors_are_those_of_the_sentences_with_teacher_inputs(teacher_run):
    """The longest sentence has none, so that the teacher's are padded to another length."""
    found = model(teacher_run, objective=Hidden(projection="identity"))
    found(**batch(found, [0, 1]))
    loss = found.get_metrics()["distillation_loss"]
    total = 0.0
    for row in (0, 1):
        sides = []
        for each in (found.student, found.teacher._open().model):
            own = tensors(each.vocab, [instances()[row]])
            mask = torch.ones_like(own["tags"]).bool()
            sides.append(each.encoder(each.text_field_embedder(own["tokens"]), mask).detach())
        total += float((sides[0] - sides[1]).square().mean(2).sum())
    assert loss == pytest.approx(total / 8, rel=1e-4)


def test_what_is_learned_has_a_gradient_of_zero_without_teacher_inputs(teacher_run):
    found = model(teacher_run, objective=Objective.from_params(Params(OBJECTIVE).duplicate()))
    inputs = tensors(found.vocab, instances())
    found(teacher=None, **inputs)["loss"].backward()
    weights = list(found.learned.parameters())
    assert len(weights) == 3 and all(not weight.grad.any() for weight in weights)


def test_what_is_learned_is_neither_saved_nor_loaded(teacher_run):
    found = model(teacher_run, objective=Hidden())
    before = {name: value.clone() for name, value in found.learned_state().items()}
    assert list(found.state_dict()) == list(found.student.state_dict())
    found.load_state_dict(found.state_dict())
    assert all(torch.equal(found.learned_state()[name], before[name]) for name in before)
    names = [name for name, _ in found.named_parameters() if name.startswith("learned.")]
    assert names == ["learned.0.weight", "learned.0.bias"]
    other = model(teacher_run, objective=Hidden())
    other.learned[0].weight.data.zero_()
    other.load_learned_state(found.learned_state())
    assert torch.equal(other.learned[0].weight, found.learned[0].weight)


def test_the_scale_is_learned_and_not_saved(teacher_run):
    found = model(teacher_run, objective=Substructured(match="scores", learned_scale=True))
    assert list(found.state_dict()) == list(found.student.state_dict())
    assert found.learned_state() == {"logarithm": torch.zeros(1)}
    found(**batch(found, [0, 1]))["loss"].backward()
    gradients = {name: weight.grad for name, weight in found.named_parameters()}
    assert gradients["learned.logarithm"].abs() > 0
    groups = make_parameter_groups(list(found.named_parameters()), [[["^learned\\."], {"lr": 1}]])
    (own,) = (group["params"] for group in groups if group.get("lr") == 1)
    assert len(own) == 1 and own[0] is found.objective.learned.logarithm
    found.load_learned_state({"logarithm": torch.ones(1)})
    assert found.objective.learned.logarithm.tolist() == [1.0]


def test_a_trainer_that_does_not_keep_it_is_told_once(teacher_run, caplog):
    found = model(teacher_run, objective=Hidden())
    inputs = batch(found, [0, 1, 2, 3])
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            found(**inputs)
    messages = [each.message for each in caplog.records if "they start again" in each.message]
    assert len(messages) == 1 and "'resumable'" in messages[0]
    caplog.clear()
    found = model(teacher_run, objective=Hidden())
    found.learned_is_kept = True
    found(**inputs)
    assert not any("they start again" in each.message for each in caplog.records)
