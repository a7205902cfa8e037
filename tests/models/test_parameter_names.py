"""A distillation's parameters have the names that the plain student's configuration knows."""

import pytest
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.models.archival import load_archive

from tests.models.experiments import READER, distillation_config, experiment
from tests.models.small_distillation import model
from tests.models.tagging import tagger_config

CONSTANTS = {"text_field_embedder": 0.25, "encoder": 0.5, "crf": 0.125}
REGEXES = [[f"^{name}", {"type": "constant", "val": value}] for name, value in CONSTANTS.items()]
TRAINER = {
    "num_epochs": 1,
    "no_grad": ["^text_field_embedder"],
    "optimizer": {
        "type": "sgd",
        "lr": 0.5,
        "parameter_groups": [
            [["^encoder\\."], {"requires_grad": False}],
            [["^crf\\.", "^student\\."], {"lr": 0.0}],
        ],
    },
}


def names(items) -> list:
    return [name for name, _ in items]


class Wrapped(torch.nn.Module):
    """As `DistributedDataParallel` holds a model."""

    def __init__(self, module):
        super().__init__()
        self.module = module


@pytest.mark.parametrize("what", ["named_parameters", "named_buffers"])
def test_names_are_the_students(what):
    found = model()
    expected = names(getattr(found.student, what)())
    assert expected or what == "named_buffers"
    assert names(getattr(found, what)()) == expected
    assert names(getattr(Wrapped(found), what)()) == [f"module.{name}" for name in expected]
    modules = [found, *found.student.modules()]
    assert [id(each) for each in found.modules()] == [id(each) for each in modules]


def test_what_is_learned_beside_the_student_has_a_prefix():
    found = model()
    found.learned = torch.nn.Linear(1, 1)
    own = names(found.student.named_parameters())
    assert sorted(names(found.named_parameters())) == sorted(
        [*own, "learned.weight", "learned.bias"]
    )
    assert len(list(found.parameters())) == len(own) + 2


def test_a_module_that_is_there_twice_is_named_once():
    found = model()
    modules = [id(module) for module in found.modules()]
    assert len(modules) == len(set(modules))
    both = torch.nn.ModuleList([found, found])
    assert len(list(both.parameters())) == len(list(found.parameters()))
    assert len(names(both.named_modules(remove_duplicate=False))) == 1 + 2 * len(modules)


@pytest.mark.parametrize("kind", ["plain", "distillation"])
def test_regular_expressions_of_a_plain_configuration_match(teacher_run, tmp_path, kind):
    """They are anchored: initializers, regularizers, `no_grad` and groups of the optimizer."""
    changes = {
        "label_encoding": "BIO",
        "initializer": {"regexes": REGEXES},
        "regularizer": {"regexes": [["^tag_projection_layer", {"type": "l2", "alpha": 1.0}]]},
    }
    if kind == "plain":
        student = tagger_config("crf_tagger_student", **changes)
        config = experiment(teacher_run, READER, student, **TRAINER)
    else:
        config = distillation_config(teacher_run, "archive", **TRAINER)
        config["model"]["student"].update(changes)
    train_model(Params(config), str(tmp_path / "run"))
    log = (tmp_path / "run" / "out.log").read_text().splitlines()
    student = load_archive(tmp_path / "run" / "model.tar.gz").model
    for name, weight in student.named_parameters():
        part = name.split(".")[0]
        if part in CONSTANTS:
            assert torch.equal(weight, torch.full_like(weight, CONSTANTS[part])), name
        else:
            assert part == "tag_projection_layer"
    assert student.get_regularization_penalty().item() > 0
    # The log says which group matched what, and what matched nothing.
    (disabled,) = [line for line in log if "Disabling gradient" in line]
    assert "'encoder._module.weight_ih_l0'" in disabled and "crf" not in disabled
    (group,) = [line for line in log if " - Group 0: " in line]
    assert "'crf.transitions'" in group and "encoder" not in group
    assert any("^student\\. does not match any parameter name" in line for line in log)


def test_the_resumable_trainer_names_expressions_of_no_grad_that_match_nothing(
    teacher_run, tmp_path
):
    config = distillation_config(
        teacher_run,
        "archive",
        type="resumable",
        checkpointer={"type": "whole"},
        num_epochs=1,
        no_grad=["^text_field_embedder", "^student\\."],
    )
    train_model(Params(config), str(tmp_path / "run"))
    log = (tmp_path / "run" / "out.log").read_text()
    assert log.count("no_grad: ^student\\. does not match any parameter name") == 1
    assert "no_grad: ^text" not in log
