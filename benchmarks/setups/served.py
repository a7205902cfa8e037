"""The students that the benchmark of serving packages, and the text that they annotate."""

import json
import os
import tarfile
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional

import torch

from benchmarks.setups.treebank import treebank

WORDS = {"type": "single_id", "lowercase_tokens": True}
CHARACTERS = {"type": "characters", "min_padding_length": 3}
VARIABLE = "ALLENNLP_KD_STUDENTS"
STUDENTS = {"tagger": "part_of_speech-small", "parser": "parsing-small"}
"""The shipped students that the benchmark of serving measures, by component."""


class Size(NamedTuple):
    """Of a BiLSTM over words and characters; no characters if `filters` is 0."""

    words: int
    filters: int
    hidden: int
    layers: int


SHIPPED = Size(words=100, filters=50, hidden=200, layers=2)
"""The BiLSTM of `training_configs`."""
SMALL = Size(words=64, filters=0, hidden=48, layers=1)
"""For quick runs."""


def sentences(count: int, split: str = "dev") -> List[List[str]]:
    """The words of the first sentences of a split of EWT."""
    found: List[List[str]] = [[]]
    with open(treebank(split), encoding="utf-8") as lines:
        for line in lines:
            columns = line.split("\t")
            if columns[0].isdigit():
                found[-1].append(columns[1])
            elif not line.strip() and found[-1]:
                found.append([])
    return [words for words in found if words][:count]


def student(kind: str) -> Optional[Path]:
    """The trained archive of `STUDENTS` in the folder that the environment names, if it is there."""
    return all_given().get(STUDENTS[kind])


def students(folder: Path, quick: bool) -> Dict[str, Path]:
    """The archives of `STUDENTS` by component; where there is none, one with random weights in `folder`."""
    size, split = (SMALL, "dev") if quick else (SHIPPED, "train")
    return {kind: student(kind) or untrained(kind, size, folder / kind, split) for kind in STUDENTS}


def all_given() -> Dict[str, Path]:
    """All archives in the folder that the environment names, by their names."""
    folder = os.environ.get(VARIABLE)
    ending = ".tar.gz"
    paths = sorted(Path(folder).glob(f"*{ending}")) if folder else []
    return {path.name[: -len(ending)]: path for path in paths}


def untrained(kind: str, size: Size, folder: Path, split: str = "dev") -> Path:
    """An archive with random weights: as fast as a trained one, but for the search of trees."""
    return pack(configuration(kind, size), folder, split)


def pack(config: Dict[str, Any], folder: Path, split: str = "dev") -> Path:
    """An archive of a configuration, with random weights and the vocabulary of a split."""
    from allennlp.common import Params
    from allennlp.data import DatasetReader, Vocabulary
    from allennlp.models import Model

    import allennlp_kd.plugin  # noqa: F401

    reader = DatasetReader.from_params(Params(json.loads(json.dumps(config["dataset_reader"]))))
    vocabulary = Vocabulary.from_instances(list(reader.read(str(treebank(split)))))
    model = Model.from_params(Params(json.loads(json.dumps(config["model"]))), vocab=vocabulary)
    folder.mkdir(parents=True)
    vocabulary.save_to_files(str(folder / "vocabulary"))
    torch.save(model.state_dict(), folder / "weights.th")
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(folder / name, arcname=name)
    return path


def configuration(kind: str, size: Size) -> Dict[str, Any]:
    """The reader and the model of a tagger of parts of speech, or of a parser."""
    indexers: Dict[str, Any] = {"tokens": WORDS}
    embedders: Dict[str, Any] = {"tokens": {"type": "embedding", "embedding_dim": size.words}}
    if size.filters:
        indexers["characters"] = CHARACTERS
        embedders["characters"] = {
            "type": "character_encoding",
            "embedding": {"embedding_dim": 16, "vocab_namespace": "token_characters"},
            "encoder": {
                "type": "cnn",
                "embedding_dim": 16,
                "num_filters": size.filters,
                "ngram_filter_sizes": [3],
            },
        }
    model = {
        "text_field_embedder": {"token_embedders": embedders},
        "encoder": {
            "type": "lstm",
            "input_size": size.words + size.filters,
            "hidden_size": size.hidden,
            "num_layers": size.layers,
            "bidirectional": True,
        },
    }
    if kind == "parser":
        model.update(
            type="biaffine_parser_student", arc_representation_dim=200, tag_representation_dim=100
        )
        reader = {"type": "universal_dependencies"}
    else:
        model.update(type="crf_tagger_student")
        reader = {"type": "conllu_tagging"}
    return {"dataset_reader": {**reader, "token_indexers": indexers}, "model": model}
