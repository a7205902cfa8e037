"""Configurations of `allennlp train` for the tiny tagging task."""

import json

from tests.models.tagging import SENTENCES, tagger_config

READER = {"type": "sequence_tagging"}


def write_data(directory):
    for name in ("train", "dev"):
        with open(directory / f"{name}.txt", "w") as file:
            for words, tags in SENTENCES["BIO"]:
                pairs = zip(words.split(), tags.split())
                file.write("\t".join(f"{word}###{tag}" for word, tag in pairs) + "\n")


def experiment(data, reader, model, **trainer):
    config = {
        "dataset_reader": reader,
        "train_data_path": str(data / "train.txt"),
        "validation_data_path": str(data / "dev.txt"),
        "model": model,
        "data_loader": {"batch_size": 2, "shuffle": True},
        "trainer": {
            "num_epochs": 2,
            "cuda_device": -1,
            "optimizer": {"type": "adam", "lr": 0.01},
            **trainer,
        },
    }
    return json.loads(json.dumps(config))  # to build an object is to use up its part


def distillation_config(data, kind, **trainer):
    teacher = {"type": "archive", "archive_file": str(data / "run" / "model.tar.gz")}
    if kind == "store":
        teacher = {"type": "store", "directory": str(data / "store"), "teacher": teacher}
    reader = {"type": "distillation", "reader": READER, "teacher": teacher}
    student = tagger_config("crf_tagger_student", label_encoding="BIO")
    model = {"type": "distillation", "student": student, "teacher": teacher, "alpha": 0.6}
    callbacks = [
        {
            "type": "distillation_schedule",
            "alpha": {"start": 0.8, "end": 0.4, "length": 2},
            "temperature": {"start": 2.0, "end": 1.0, "length": 4, "by": "step"},
        },
        {"type": "agreement"},
        {"type": "tensorboard", "summary_interval": 1},
    ]
    trainer = {"callbacks": callbacks, "validation_metric": "+agreement", **trainer}
    return experiment(data, reader, model, **trainer)
