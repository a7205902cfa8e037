"""Tiny archives of stock `biaffine_parser`, trained by stock AllenNLP."""

import json
from pathlib import Path
from typing import Any, Dict, List, Sequence

import numpy
import torch
from allennlp.commands.train import train_model
from allennlp.common import Params
from allennlp.data import Batch, Instance
from allennlp.models import load_archive

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.teachers.archive.archive_teacher import ArchiveTeacher
from tests.models.parsing import SENTENCES, Sentence as Tree, instances

POS = {"embedding_dim": 3, "vocab_namespace": "pos"}
WORDS = [Sentence(tuple(words.split()), tuple(tags.split())) for words, tags, _, _ in SENTENCES]
LARGE = {"tag_representation_dim": 100, "arc_representation_dim": 20}


def conllu(sentences: Sequence[Tree] = SENTENCES) -> str:
    blocks = []
    for words, tags, labels, heads in sentences:
        rows = zip(words.split(), tags.split(), heads, labels.split())
        blocks.append(
            "".join(
                f"{number}\t{word}\t_\t{tag}\t{tag}\t_\t{head}\t{label}\t_\t_\n"
                for number, (word, tag, head, label) in enumerate(rows, start=1)
            )
        )
    return "\n".join(blocks) + "\n"


def parser_config(with_tags: bool, kind: str = "biaffine_parser", **changes: Any) -> Dict[str, Any]:
    size = 8 if with_tags else 5
    model: Dict[str, Any] = {
        "type": kind,
        "text_field_embedder": {
            "token_embedders": {"tokens": {"type": "embedding", "embedding_dim": 5}}
        },
        "encoder": {"type": "lstm", "input_size": size, "hidden_size": 4, "bidirectional": True},
        "tag_representation_dim": 6,
        "arc_representation_dim": 7,
        "dropout": 0.2,
    }
    if with_tags:
        model["pos_tag_embedding"] = POS
    # To build an object is to use up its part of the parameters.
    return json.loads(json.dumps({**model, **changes}))


def train_parser(
    folder: Path, with_tags: bool, sentences: Sequence[Tree] = SENTENCES, **changes: Any
) -> str:
    """Trains one and returns the path of its `model.tar.gz`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "trees.conllu"
    data.write_text(conllu(sentences), encoding="utf-8")
    config = {
        "dataset_reader": {"type": "universal_dependencies"},
        "train_data_path": str(data),
        "validation_data_path": str(data),
        "model": parser_config(with_tags, **changes),
        "data_loader": {"batch_size": 2},
        "trainer": {
            "optimizer": {"type": "adam", "lr": 0.05},
            "num_epochs": 3,
            "cuda_device": -1,
            "enable_default_callbacks": False,
        },
    }
    train_model(Params(config), str(folder / "run"))
    return str(folder / "run" / "model.tar.gz")


def student_instance(sentence: Sentence) -> Instance:
    """As a student's reader makes it: with tags, or in one that has none without."""
    tags = " ".join(sentence.tags or sentence.words)
    made = instances([(" ".join(sentence.words), tags, None, None)])
    if sentence.tags is None:
        del made[0].fields["pos_tags"], made[0].fields["metadata"]
    return made[0]


def collated(teacher: Any, sentences: Sequence[Sentence] = WORDS) -> Any:
    """What a model's `forward` gets of a teacher, for a batch of these sentences."""
    made = [student_instance(sentence) for sentence in sentences]
    teacher.attach(made)
    fields = [each["teacher"] for each in made]
    return fields[0].batch_tensors([field.as_tensor({}) for field in fields])["value"]


def stock_scores(path: str, sentences: Sequence[Sentence]) -> tuple:
    """What stock's own `_parse` hands to its decoder: arc scores, and label scores of all pairs.

    # Returns

    `tuple`
        The mask, the arc scores and the scores of labels, of shapes `(batch, n + 1)`,
        `(batch, n + 1, n + 1)` and `(batch, n + 1, n + 1, labels)`, `[dependent, head]`.
    """
    archive = load_archive(path)
    model, seen = archive.model.eval(), []

    def watch(head_tag, child_tag, arcs, mask):
        length = arcs.shape[1]
        shape = (arcs.shape[0], length, length, head_tag.shape[2])
        # As in stock's `_mst_decode`.
        heads = head_tag.unsqueeze(2).expand(*shape).contiguous()
        dependents = child_tag.unsqueeze(1).expand(*shape).contiguous()
        labels = model.tag_bilinear(heads, dependents)  # [head, dependent]
        seen.extend((mask, arcs, labels.transpose(1, 2)))
        zeros = torch.zeros(arcs.shape[:2], dtype=torch.long)
        return zeros, zeros

    model._mst_decode = watch
    batch = Batch(
        [
            archive.dataset_reader.text_to_instance(
                list(sentence.words), list(sentence.tags or ["_"] * len(sentence.words))
            )
            for sentence in sentences
        ]
    )
    batch.index_instances(model.vocab)
    with torch.no_grad():
        model(**batch.as_tensor_dict())
    return tuple(seen)


def random_sentences(lengths: Sequence[int], seed: int = 0) -> List[Sentence]:
    generator = numpy.random.RandomState(seed)
    words = sorted({word for sentence in WORDS for word in sentence.words})
    tags = sorted({tag for sentence in WORDS for tag in sentence.tags})
    return [
        Sentence(tuple(generator.choice(words, n)), tuple(generator.choice(tags, n)))
        for n in lengths
    ]


def opened(path: str, trust: bool = False) -> ArchiveTeacher:
    return ArchiveTeacher(path, cuda_device=-1, trust=trust)
