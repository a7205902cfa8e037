"""Archives of small students with random weights, made by AllenNLP's own classes."""

import json
import tarfile
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import allennlp_models.structured_prediction  # noqa: F401
import allennlp_models.tagging  # noqa: F401
import torch
from allennlp.common import Params
from allennlp.data import DatasetReader, Vocabulary
from allennlp.models import Model, load_archive

SENTENCES = [
    "The quick brown fox jumps over the lazy dog .",
    "Dr. Élodie Müller-Lüdenscheidt visited São Paulo in 2021 !",
    "Yes",
    "# hashtags and 42 numbers",
    "A man a plan a canal",
    "He said that she said that they said it was raining cats and dogs all day long in London town",
    "😀 is an emoji",
    "Never odd or even",
]

WORDS = {"type": "single_id", "lowercase_tokens": True}
CHARACTERS = {
    "type": "characters",
    "min_padding_length": 5,
    "character_tokenizer": {"lowercase_characters": False},
}
CNN = {
    "type": "character_encoding",
    "embedding": {"embedding_dim": 6, "vocab_namespace": "token_characters"},
    "encoder": {
        "type": "cnn", "embedding_dim": 6, "num_filters": 7, "ngram_filter_sizes": [2, 3, 5]
    },
}  # fmt: skip
LSTM = {"type": "lstm", "input_size": 31, "hidden_size": 9, "num_layers": 2, "bidirectional": True}


def tagger(
    tags: Sequence[str] = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    indexers: Any = None,
    embedders: Any = None,
    encoder: Any = None,
    **options: Any,
) -> Dict[str, Any]:
    """A configuration of a tagger with words and characters."""
    return {
        "dataset_reader": {
            "type": "sequence_tagging",
            "token_indexers": indexers or {"tokens": WORDS, "characters": CHARACTERS},
        },
        "tags": list(tags),
        "model": {
            "type": "crf_tagger",
            "text_field_embedder": {
                "token_embedders": embedders
                or {"tokens": {"type": "embedding", "embedding_dim": 10}, "characters": CNN}
            },
            "encoder": encoder or LSTM,
            "label_encoding": "BIO",
            **options,
        },
    }


def parser(encoder: Any = None, **options: Any) -> Dict[str, Any]:
    """A configuration of a parser with words and characters."""
    config = tagger()
    return {
        "dataset_reader": {
            "type": "universal_dependencies",
            "token_indexers": config["dataset_reader"]["token_indexers"],
        },
        "tags": ["root", "nsubj", "obj", "amod", "punct", "nmod:poss"],
        "model": {
            "type": "biaffine_parser",
            "text_field_embedder": config["model"]["text_field_embedder"],
            "encoder": encoder or LSTM,
            "arc_representation_dim": 8,
            "tag_representation_dim": 5,
            **options,
        },
    }


def training_text(config: Dict[str, Any], pos: Sequence[str] = ("X",)) -> str:
    """A corpus in the format of the configuration's reader; annotation is whatever comes."""
    tags = config["tags"]
    lines: List[str] = []
    for sentence in SENTENCES:
        words = sentence.split()
        if config["dataset_reader"]["type"] == "sequence_tagging":
            lines.append(
                "\t".join(f"{word}###{tags[place % len(tags)]}" for place, word in enumerate(words))
            )
            continue
        for place, word in enumerate(words):
            columns = [
                str(place + 1),
                word,
                "_",
                pos[place % len(pos)],
                pos[place % len(pos)],
                "_",
                str(place),
                tags[place % len(tags)],
            ]
            lines.append("\t".join([*columns, "_", "_"]))
        lines.append("")
    return "\n".join(lines) + "\n"


def make_archive(
    folder: Path,
    config: Dict[str, Any],
    seed: int = 13,
    scale: float = 3.0,
    carries: bool = False,
    pos: Sequence[str] = ("X",),
) -> Path:
    """Builds the model, gives it large random weights, and packs it as `allennlp train` does.

    # Parameters

    carries : `bool`, optional (default = `False`)
        Whether parts are told the folder, so that they put what they need there.
    pos : `Sequence[str]`, optional (default = `("X",)`)
        The part-of-speech tags of a parser's sentences.
    """
    folder.mkdir(parents=True)
    data = folder / "data.txt"
    data.write_text(training_text(config, pos), encoding="utf-8")
    extras = {"serialization_dir": str(folder), "local_rank": 0} if carries else {}
    reader = DatasetReader.from_params(Params(deepcopy(config["dataset_reader"])), **extras)
    vocabulary = Vocabulary.from_instances(list(reader.read(str(data))))
    torch.manual_seed(seed)
    model = Model.from_params(Params(deepcopy(config["model"])), vocab=vocabulary, **extras)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name == "crf._constraint_mask":
                continue
            if weight.dim() == 1:
                weight.uniform_(-0.5, 0.5)
            elif name != "crf.transitions":
                weight.mul_(scale * 4 if "tag_" in name else scale)
    vocabulary.save_to_files(str(folder / "vocabulary"))
    torch.save(model.state_dict(), folder / "weights.th")
    content = {name: part for name, part in config.items() if name != "tags"}
    (folder / "config.json").write_text(json.dumps(content))
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("config.json", "weights.th", "vocabulary"):
            archive.add(folder / name, arcname=name)
    return path


def predict(
    path: Path,
    sentences: Sequence[Sequence[str]],
    tags: Optional[Sequence[Sequence[str]]] = None,
) -> List[Dict[str, Any]]:
    """What `allennlp predict` says, and numbers beside it, of sentences of words."""
    archive = load_archive(str(path))
    reader, model = archive.validation_dataset_reader, archive.model
    instances = []
    for number, words in enumerate(sentences):
        if "parser" in archive.config["model"]["type"]:
            pos = list(tags[number]) if tags else ["X"] * len(words)
            instance = reader.text_to_instance(list(words), pos)
        else:
            from allennlp.data import Token

            instance = reader.text_to_instance([Token(word) for word in words])
        reader.apply_token_indexers(instance)
        instances.append(instance)
    model.eval()  # as `Predictor.from_archive` does
    return model.forward_on_instances(instances)
