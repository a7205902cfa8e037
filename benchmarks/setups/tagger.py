"""Stock's tagger, the student alone and the student with a store, on the same batches."""

import json
import random
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, List, NamedTuple

import torch
from allennlp.common import Params
from allennlp.data import DataLoader, DatasetReader, Instance, Vocabulary
from allennlp.data.data_loaders import MultiProcessDataLoader, SimpleDataLoader
from allennlp.data.samplers import BucketBatchSampler
from allennlp.models import Model

from benchmarks.setups.treebank import BATCH_SIZE, spaced

WARM_UP_RATE = 0.005


def reader_config(column: str) -> Dict[str, Any]:
    """Words and characters."""
    return {
        "type": "conllu_tagging",
        "column": column,
        "token_indexers": {
            "tokens": {"type": "single_id", "lowercase_tokens": True},
            "characters": {"type": "characters", "min_padding_length": 3},
        },
    }


def model_config(kind: str, hidden_size: int) -> Dict[str, Any]:
    """A 2-layer BiLSTM with dropout; `kind` is stock's type or ours."""
    characters = {"type": "cnn", "embedding_dim": 16, "num_filters": 50, "ngram_filter_sizes": [3]}
    return {
        "type": kind,
        "text_field_embedder": {
            "token_embedders": {
                "tokens": {"type": "embedding", "embedding_dim": 100},
                "characters": {
                    "type": "character_encoding",
                    "embedding": {"embedding_dim": 16, "vocab_namespace": "token_characters"},
                    "encoder": characters,
                    "dropout": 0.3,
                },
            }
        },
        "encoder": {
            "type": "lstm",
            "bidirectional": True,
            "num_layers": 2,
            "input_size": 150,
            "hidden_size": hidden_size,
            "dropout": 0.3,
        },
        "dropout": 0.3,
    }


Batch = Dict[str, Any]
"""The arguments of a model's `forward`."""


class TaggerSetup(NamedTuple):
    """Three models with the same weights, and what they train on.

    # Parameters

    stock, plain, distilled : `Model`
        Stock `crf_tagger`, `crf_tagger_student`, and the latter inside `distillation`.
    shuffled, bucketed : `List[Batch]`
        Collated, with the teacher's inputs: of sentences that a shuffle brings together, and of
        sentences of about the same length.
    loader : `DataLoader`
        Gives all batches of an epoch, with the teacher's inputs.
    """

    stock: Model
    plain: Model
    distilled: Model
    shuffled: List[Batch]
    bucketed: List[Batch]
    loader: DataLoader

    def inputs(self, name: str, batch: Batch) -> Batch:
        """What of a batch goes into the model of this name."""
        if name == "distilled":
            return batch
        inputs = {key: value for key, value in batch.items() if key != "teacher"}
        return {**inputs, "tags": inputs["tags"]["value"]}


def build(
    data: Path,
    column: str,
    folder: Path,
    seed: int,
    hidden_size: int = 200,
    max_instances: int = 100 * BATCH_SIZE,
    warm_up: int = 60,
    num_batches: int = 4,
    objective: str = "substructured",
) -> TaggerSetup:
    """Trains stock's tagger a little, makes it the teacher, and gives its weights to all three.

    A teacher of the same size costs what any other does, for its scores are in a store.

    # Parameters

    data : `Path`
        A CoNLL-U file.
    column : `str`
        Of the tags.
    folder : `Path`
        For the archive and the store.
    seed : `int`
        Of the order of the sentences.
    hidden_size, max_instances, warm_up, num_batches : `int`
        Of each direction; of the file's sentences; batches of training; batches to measure on.
    objective : `str`
        Its registered name.
    """
    import allennlp_kd.plugin  # noqa: F401
    import allennlp_models.tagging  # noqa: F401

    config = reader_config(column)
    reader = DatasetReader.from_params(_params({**config, "max_instances": max_instances}))
    instances = list(reader.read(data))
    vocab = Vocabulary.from_instances(instances)
    stock_config = model_config("crf_tagger", hidden_size)
    stock = Model.from_params(_params(stock_config), vocab=vocab)
    _warm_up(stock, instances, warm_up)
    archive = _archive(stock, {"dataset_reader": config, "model": stock_config}, folder)

    teacher = {
        "type": "store",
        "directory": str(folder / "store"),
        "teacher": {"archive_file": archive},
    }
    distillation_reader = DatasetReader.from_params(
        _params(
            {
                "type": "distillation",
                "reader": config,
                "teacher": teacher,
                "teacher_inputs": True,
                "max_instances": max_instances,
            }
        )
    )
    random.seed(seed)
    loader = _loader(distillation_reader, data, vocab, batch_size=BATCH_SIZE, shuffle=True)
    sampler = BucketBatchSampler(BATCH_SIZE, sorting_keys=["tokens"])
    bucketed = _loader(distillation_reader, data, vocab, batch_sampler=sampler)
    student_config = model_config("crf_tagger_student", hidden_size)
    plain = Model.from_params(_params(student_config), vocab=vocab)
    distilled = Model.from_params(
        _params(
            {
                "type": "distillation",
                "student": student_config,
                "teacher": teacher,
                "objective": {"type": objective},
                "alpha": 0.5,
            }
        ),
        vocab=vocab,
    )
    for model in (plain, distilled):
        model.load_state_dict(stock.state_dict())
    in_order = sorted(bucketed, key=lambda batch: batch["tags"]["value"].shape[1])
    for model in (stock, plain, distilled):
        model.train()
    return TaggerSetup(
        stock,
        plain,
        distilled,
        shuffled=spaced(list(loader), num_batches),
        bucketed=spaced(in_order, num_batches),
        loader=loader,
    )


def _params(config: Dict[str, Any]) -> Params:
    # Reading parameters consumes them.
    return Params(deepcopy(config))


def _loader(reader: DatasetReader, data: Path, vocab: Vocabulary, **options: Any) -> DataLoader:
    loader = MultiProcessDataLoader(reader, str(data), **options)
    loader.index_with(vocab)
    return loader


def _warm_up(model: Model, instances: List[Instance], steps: int) -> None:
    # A CRF's costs depend on its scores: those of untrained weights are alike as nowhere else.
    loader = SimpleDataLoader(instances, BATCH_SIZE, shuffle=True, vocab=model.vocab)
    optimizer = torch.optim.Adam(model.parameters(), lr=WARM_UP_RATE)
    model.train()
    while steps > 0:
        for batch in loader:
            optimizer.zero_grad()
            model(**batch)["loss"].backward()
            optimizer.step()
            steps -= 1
            if steps <= 0:
                break
    model.get_metrics(reset=True)


def _archive(model: Model, config: Dict[str, Any], folder: Path) -> str:
    run = folder / "teacher"
    run.mkdir(parents=True)
    (run / "config.json").write_text(json.dumps(config), encoding="utf-8")
    torch.save(model.state_dict(), run / "weights.th")
    model.vocab.save_to_files(str(run / "vocabulary"))
    path = folder / "teacher.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(run / name, arcname=name)
    return str(path)
