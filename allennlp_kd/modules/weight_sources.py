"""A student's transformer weights, from a published checkpoint or a teacher's archive."""

import os
import re
from copy import deepcopy
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, TypeVar

from allennlp.common.checks import ConfigurationError
from allennlp.common.file_utils import cached_path
from torch import Tensor
from transformers import AutoConfig, AutoModel

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.members import WEIGHTS, members
from allennlp_kd.archives.tensors import load_tensors
from allennlp_kd.modules.layer_selection import LayeredWeights, layer_list_name

T = TypeVar("T")


def open_checkpoint(open_part: Callable[..., T], model_name: str, **kwargs: Any) -> T:
    """Calls a `from_pretrained` of `transformers`, with an error that names `model_name`.

    # Raises

    ConfigurationError
        If there is no such folder or file, or the Hugging Face Hub has none or cannot be reached.
    """
    is_path = os.path.isabs(model_name) or model_name.startswith(".") or model_name.count("/") > 1
    if is_path and not os.path.isdir(model_name):
        raise ConfigurationError(f"model_name is not a folder: '{model_name}'")
    try:
        return open_part(model_name, **kwargs)
    except OSError as error:
        raise ConfigurationError(f"model_name '{model_name}' cannot be opened: {error}") from error


def published_weights(
    model_name: str, vocabulary_size: int, transformer_kwargs: Optional[Dict[str, Any]] = None
) -> LayeredWeights:
    """Returns the weights of a checkpoint: a local folder or a name on the Hugging Face Hub.

    They are read past AllenNLP's cache, whose key does not tell one depth from another.
    """
    kwargs = transformer_kwargs or {}
    transformer = open_checkpoint(AutoModel.from_pretrained, model_name, **kwargs).float()
    depth = transformer.config.num_hidden_layers
    layer_list = layer_list_name(transformer, depth)
    config = deepcopy(transformer.config)
    if transformer.get_input_embeddings().num_embeddings != vocabulary_size:
        transformer.resize_token_embeddings(vocabulary_size)
    source = f"model_name '{model_name}'"
    return LayeredWeights(config, transformer.state_dict(), layer_list, depth, source)


def archived_weights(
    from_archive: str,
    model_name: str,
    transformer_kwargs: Optional[Dict[str, Any]] = None,
    prefix: Optional[str] = None,
) -> LayeredWeights:
    """Returns the fine-tuned weights in an AllenNLP archive.

    # Parameters

    from_archive : `str`
        An archive (`model.tar.gz`), or the folder of a run.
    model_name : `str`
        The checkpoint whose architecture the archive's transformer has; no weights are read.
    prefix : `str`, optional
        What stands before the transformer's own names in the archive; found if it is `None`.

    # Raises

    ConfigurationError
        If the archive is missing or broken, or holds no such transformer, or several.
    """
    config = open_checkpoint(AutoConfig.from_pretrained, model_name, **(transformer_kwargs or {}))
    # The names of the weights are taken from a transformer with two layers, which is cheap to
    # build.
    shallow = deepcopy(config)
    shallow.num_hidden_layers = 2
    transformer = AutoModel.from_config(shallow)
    layer_list = layer_list_name(transformer, 2)
    first_layer = f"{layer_list}.0."
    anchor = next(key for key in transformer.state_dict() if key.startswith(first_layer))

    archived = _read_weights(from_archive)
    if prefix is None:
        prefix = _find_prefix(archived, anchor, from_archive)
    state = {key[len(prefix) :]: archived[key] for key in archived if key.startswith(prefix)}
    if anchor not in state:
        raise ConfigurationError(
            f"the archive '{from_archive}' has no transformer weights at the prefix '{prefix}': "
            f"expected '{prefix}{anchor}'"
        )
    layer = re.compile(re.escape(layer_list) + r"\.(\d+)\.")
    indices = {int(match[1]) for match in map(layer.match, state) if match}
    return LayeredWeights(config, state, layer_list, max(indices) + 1, f"'{from_archive}'")


def _find_prefix(archived: Dict[str, Tensor], anchor: str, from_archive: str) -> str:
    found: List[str] = [
        key[: -len(anchor)] for key in archived if key == anchor or key.endswith("." + anchor)
    ]
    if not found:
        raise ConfigurationError(
            f"the archive '{from_archive}' has no transformer weights: none of its {len(archived)} "
            f"names ends in '{anchor}'; they are names such as "
            f"{', '.join(repr(key) for key in list(archived)[:3])}"
        )
    if len(found) > 1:
        raise ConfigurationError(
            f"the archive '{from_archive}' has {len(found)} transformers: set archive_prefix to "
            f"one of {', '.join(repr(prefix) for prefix in sorted(found))}"
        )
    return found[0]


def _read_weights(from_archive: str) -> Dict[str, Tensor]:
    try:
        path = Path(cached_path(from_archive))
    except FileNotFoundError as error:
        raise ConfigurationError(f"from_archive does not exist: '{from_archive}'") from error
    try:
        for member in members(path):
            if member.name == WEIGHTS:
                return load_tensors(member.file.read(), from_archive)
    except ArchiveError as error:
        raise ConfigurationError(f"from_archive cannot be read: {error}") from error
    raise ConfigurationError(f"from_archive has no {WEIGHTS}: '{from_archive}'")
