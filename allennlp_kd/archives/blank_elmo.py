"""Builds ELMo without its weight file, because the weights are in the archive."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Tuple

from torch import Tensor

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.external_references import ELMO, entries

_CHARACTERS = "_char_embedding_weights"


def with_blank_weights(
    parts: Dict[str, Any], tensors: Mapping[str, Tensor], folder: Path
) -> Dict[str, Any]:
    """Adds a weight file of zeros to the configuration of each ELMo that has none.

    AllenNLP reads this file when it builds the model. The archive's weights replace all of it.

    # Parameters

    parts : `Dict[str, Any]`
        Those parts of the configuration that are built.
    tensors : `Mapping[str, Tensor]`
        The archive's weights.
    folder : `Path`
        Where to write the files.

    # Raises

    ArchiveError
        If the options file cannot be read, or is not an options file of ELMo.
    """
    parts = deepcopy(parts)
    blank = [
        owner
        for _, key, value, owner in entries(parts)
        if (key, value) == ("type", ELMO) and owner.get("weight_file") == ""
    ]
    characters = [len(tensors[name]) - 1 for name in tensors if name.endswith(_CHARACTERS)]
    if blank and not characters:
        raise ArchiveError(f"the weights lack {_CHARACTERS}, which every ELMo has")
    for number, embedder in enumerate(blank):
        path = folder / f".elmo-{number}.hdf5"
        write_blank_weights(Path(embedder["options_file"]), path, characters[0])
        embedder["weight_file"] = str(path)
    return parts


def write_blank_weights(options_file: Path, path: Path, characters: int = 261) -> None:
    """Writes a weight file of zeros for an options file of ELMo.

    # Parameters

    characters : `int`, optional (default = `261`)
        The number of characters that have a vector. The options file does not always say it.

    # Raises

    ArchiveError
        If the options file cannot be read, or is not an options file of ELMo.
    """
    import h5py

    try:
        shapes = dict(_shapes(json.loads(options_file.read_text(encoding="utf-8")), characters))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArchiveError(
            f"{options_file} is not a readable options file of ELMo ({type(error).__name__}: {error})"
        ) from error
    with h5py.File(path, "w") as file:
        for name, shape in shapes.items():
            file.create_dataset(
                name, shape=shape, dtype="float32"
            )  # zeros, which take no disk space


def _shapes(options: Dict[str, Any], vectors: int) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    """Returns the arrays of a weight file by the names that AllenNLP reads (TensorFlow's)."""
    characters, lstm = options["char_cnn"], options["lstm"]
    width, cells, output = characters["embedding"]["dim"], lstm["dim"], lstm["projection_dim"]
    filters = sum(count for _, count in characters["filters"])
    yield "char_embed", (vectors, width)
    for number, (size, count) in enumerate(characters["filters"]):
        yield f"CNN/W_cnn_{number}", (1, size, width, count)
        yield f"CNN/b_cnn_{number}", (count,)
    for number in range(characters["n_highway"]):
        for part in ("transform", "carry"):
            yield f"CNN_high_{number}/W_{part}", (filters, filters)
            yield f"CNN_high_{number}/b_{part}", (filters,)
    yield "CNN_proj/W_proj", (filters, output)
    yield "CNN_proj/b_proj", (output,)
    for direction in range(2):
        for layer in range(lstm["n_layers"]):
            cell = f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            yield f"{cell}/W_0", (2 * output, 4 * cells)
            yield f"{cell}/B", (4 * cells,)
            yield f"{cell}/W_P_0", (cells, output)
