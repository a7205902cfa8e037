"""A tiny ELMo of random weights."""

import json
from pathlib import Path
from typing import Any, Dict

import h5py
import numpy

from allennlp_kd.archives.blank_elmo import write_blank_weights

OPTIONS: Dict[str, Any] = {
    "lstm": {"use_skip_connections": True, "projection_dim": 4, "cell_clip": 3, "proj_clip": 3,
             "dim": 5, "n_layers": 2},
    "char_cnn": {"activation": "relu", "filters": [[1, 3], [2, 4]], "n_highway": 1,
                 "embedding": {"dim": 2}, "n_characters": 262, "max_characters_per_token": 50},
}  # fmt: skip


def write_elmo(folder: Path, characters: int = 261) -> Dict[str, str]:
    """Writes ELMo's options and random weights."""
    folder.mkdir()
    options, weights = folder / "options.json", folder / "weights.hdf5"
    options.write_text(json.dumps(OPTIONS))
    write_blank_weights(options, weights, characters)
    generator = numpy.random.default_rng(3)

    def fill(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            item[...] = generator.normal(size=item.shape)

    with h5py.File(weights, "r+") as file:
        file.visititems(fill)
    return {"options_file": str(options), "weight_file": str(weights)}
