"""What distillation leaves is a teacher again."""

import torch
from allennlp.commands.train import train_model
from allennlp.common import Params

import allennlp_kd.plugin  # noqa: F401
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from allennlp_kd.teachers.store.store_teacher import StoreTeacher
from tests.teachers.archive.test_archive import collated
from tests.teachers.archives import tagger_params
from tests.teachers.store.test_store import KEYS


def test_a_student_of_a_student(tagger_archive, tmp_path):
    from tests.configs.corpora import write_corpora

    params = tagger_params(write_corpora(tmp_path / "data"))
    teacher = {"type": "archive", "archive_file": tagger_archive}
    student = {**params["model"], "type": "crf_tagger_student"}
    params["dataset_reader"] = {
        "type": "distillation",
        "reader": params["dataset_reader"],
        "teacher": teacher,
    }
    params["model"] = {"type": "distillation", "student": student, "teacher": dict(teacher)}
    train_model(Params(params), str(tmp_path / "run"))

    left = ArchiveTeacher(str(tmp_path / "run" / "model.tar.gz"))
    found = left.potentials(collated(left)["value"])
    assert left.labels == ArchiveTeacher(tagger_archive).labels
    assert torch.isfinite(found.emissions).all()
    assert StoreTeacher(str(tmp_path / "store"), left).fill(KEYS) == len(KEYS)
