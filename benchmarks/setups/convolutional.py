"""Convolutional students of the shipped sizes, with random weights."""

import json
from pathlib import Path
from typing import Any, Dict

from benchmarks.setups.served import pack

SIZES = Path(__file__).parents[2] / "training_configs" / "lib" / "sizes.libsonnet"


def untrained_archives(folder: Path, quick: bool = False) -> Dict[str, Path]:
    """Archives of taggers and parsers by name; of the small ones alone if `quick`."""
    sizes = shipped_sizes()
    return {
        f"{kind}, {size}": pack(
            configuration(kind, sizes[size]["parsing" if kind == "parser" else "tagging"]),
            folder / f"{kind}-{size}",
        )
        for size in (["small"] if quick else ["small", "medium"])
        for kind in ("tagger", "parser")
    }


def shipped_sizes() -> Dict[str, Any]:
    """What `training_configs/lib/sizes.libsonnet` says."""
    from _jsonnet import evaluate_file

    return json.loads(evaluate_file(str(SIZES)))


def configuration(kind: str, size: Dict[str, Any]) -> Dict[str, Any]:
    """The reader and the model of a tagger of parts of speech, or of a parser."""
    features = size["features"]
    model: Dict[str, Any] = {
        "text_field_embedder": {
            "token_embedders": {
                "features": {
                    "type": "hashed_embedding",
                    "output_dim": size["hidden"],
                    "width": features["width"],
                    "rows": features["rows"],
                }
            }
        },
        "encoder": {
            "type": "dilated_convolutions",
            "input_dim": size["hidden"],
            "dilations": size["dilations"],
        },
    }
    if kind == "parser":
        model.update(
            type="biaffine_parser_student",
            arc_representation_dim=size["forms"]["arcs"],
            tag_representation_dim=size["forms"]["labels"],
        )
        reader = {"type": "universal_dependencies"}
    else:
        model.update(type="crf_tagger_student")
        reader = {"type": "conllu_tagging"}
    indexers = {"features": {"type": "word_features"}}
    return {"dataset_reader": {**reader, "token_indexers": indexers}, "model": model}
