"""Packages transformers: those similar to BERT are built directly, others are traced by torch's
exporter.
"""

import inspect
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import numpy
import torch

from allennlp_kd.archives.archive_error import ArchiveError
from allennlp_kd.archives.carried_files import CARRIED
from allennlp_kd.archives.model_size import no_larger_than
from allennlp_kd.archives.position_limit import position_limit
from spacy_bridge.errors import BridgeError, UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.transformer_layers import (
    NAMES,
    PIECE_TABLE,
    is_supported,
    layers_graph,
    skipped_piece,
)
from spacy_bridge.packaging.networks.trimmed_tokenizer import TrimmedTokenizer, trim_tokenizer

TRACED_OPSET = 13
"""The newest opset that the exporters of both stacks support well."""

_TRAINING = ("train_parameters", "load_weights", "gradient_checkpointing", "eval_mode", "layers",
             "from_archive", "archive_prefix", "override_weights_file",
             "override_weights_strip_prefix", "reinit_modules")  # fmt: skip


# Arguments of `from_pretrained` about where files come from, not what is in them.
_FETCHING = ("cache_dir", "force_download", "local_files_only", "low_cpu_mem_usage", "proxies",
             "resume_download", "revision", "token", "use_auth_token")  # fmt: skip
_UNCHANGED = object()


def add_transformer(
    archive: StudentArchive,
    files: Dict[str, bytes],
    name: str,
    indexer: Options,
    embedder: Options,
    weights: Weights,
    matched: bool = False,
    trim_to: Optional[Iterable[str]] = None,
) -> Dict[str, Any]:
    """Adds the files of a transformer's input, and returns its entry in `settings.json`.

    # Parameters

    archive : `StudentArchive`
    files : `Dict[str, bytes]`
        Gets the graph and the tokenizer.
    name : `str`
        Of the files.
    indexer, embedder : `Options`
        Of `pretrained_transformer_mismatched` or `pretrained_transformer_layers`.
    weights : `Weights`
        The embedder's.
    matched : `bool`, optional (default = `False`)
        Whether they are `pretrained_transformer`, for which each word is one word piece.
    trim_to : `Iterable[str]`, optional
        Words: pieces that none of them has are left out, as `trim_tokenizer` has it.
    """
    indexer.ignore("namespace")
    embedder.ignore(*_TRAINING)
    embedder.refuse("sub_module", None)
    mode = "avg" if matched else embedder.take("sub_token_mode", "avg")
    changes = embedder.take("transformer_kwargs", None)
    last_layer_only = embedder.take("last_layer_only", True)
    parts = (indexer, embedder)
    models = [part.take("model_name") for part in parts]
    carried = [part.take("carried_as", "transformer") for part in parts]
    lengths = [part.take("max_length", None) for part in parts]
    tokenizers = [part.take("tokenizer_kwargs", None) for part in parts]
    for part in parts:
        part.finish()
    if matched and lengths != [None, None]:
        raise UnsupportedError(
            f"{indexer.where}.max_length is {lengths[0]!r}, which cannot be packaged with the "
            "indexer pretrained_transformer, because special word pieces would replace a "
            "sentence's first and last words; it must be None"
        )
    # If only the indexer has it, AllenNLP fails on longer sentences; here they are folded.
    lengths = [lengths[0], lengths[0] if lengths[1] is None else lengths[1]]
    for what, (first, second) in (("model_name", models), ("max_length", lengths)):
        if first != second:
            raise UnsupportedError(
                f"the indexer's and the embedder's {what} must be the same, found {first!r} and "
                f"{second!r}"
            )
    inside = {
        file[len(CARRIED + carried[0]) + 1 :]: content
        for file, content in archive.files.items()
        if file.startswith(f"{CARRIED}{carried[0]}/")
    }
    with tempfile.TemporaryDirectory() as folder:
        for file, content in inside.items():
            (Path(folder) / Path(file).name).write_bytes(content)
        source = folder if inside else models[0]
        config = _configuration(
            source, Options(None if inside else changes, f"{embedder.where}.transformer_kwargs")
        )
        kwargs = {} if inside else dict(tokenizers[0] or {})
        tokenizer, start, end = _tokenizer(source, kwargs)
        content = tokenizer.backend_tokenizer.to_str().encode("utf-8")
        unknown = [tokenizer.unk_token_id] if matched else []
        trimmed = None
        if trim_to is not None:
            if not is_supported(config):
                raise UnsupportedError(
                    f"the vocabulary of a transformer of type {config.model_type} cannot be "
                    f"trimmed; supported: {', '.join(NAMES)}"
                )
            skipped = skipped_piece(config)
            special = [*start, *end, *unknown, *([] if skipped is None else [skipped])]
            trimmed = trim_tokenizer(content, trim_to, special)
            content = trimmed.content
            start, end, unknown = map(trimmed.renumber, (start, end, unknown))
        network, settings, limit = _network(
            config,
            source,
            len(tokenizer),
            trimmed,
            weights if matched else weights.below("_matched_embedder"),
            last_layer_only,
            archive.numbers,
        )
    if matched:
        start, end = [], []
        settings["unknown_piece"] = unknown[0]
    # AllenNLP fails on sentences with more pieces than positions; here they are folded.
    length = min((most for most in (lengths[0], limit) if most is not None), default=None)
    if length is not None and length <= len(start) + len(end):
        raise UnsupportedError(
            f"{indexer.where}.max_length must be more than the {len(start) + len(end)} special "
            f"word pieces of a sentence, found {length}"
        )
    files[f"{name}.onnx"] = network
    files[f"tokenizer-{name}.json"] = content
    return {
        "type": "word_pieces",
        "tokenizer": f"tokenizer-{name}.json",
        "graph": f"{name}.onnx",
        **settings,
        "start": start,
        "end": end,
        "max_length": length,
        "mode": mode,
    }


def _tokenizer(source: str, kwargs: Dict[str, Any]) -> Tuple[Any, List[int], List[int]]:
    """Returns the tokenizer, and the pieces that it adds before and after a sentence."""
    from transformers import AutoTokenizer

    kwargs.setdefault("use_fast", True)
    if Path(source).is_dir():
        kwargs["local_files_only"] = True
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **kwargs)
    except (OSError, ValueError) as error:
        raise BridgeError(f"the tokenizer of {source!r} cannot be opened: {error}") from error
    if not tokenizer.is_fast:
        raise UnsupportedError(
            f"the tokenizer of {source!r} is a {type(tokenizer).__name__}, which has no tokenizer.json"
        )
    plain = tokenizer.encode_plus("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer.encode_plus("a", add_special_tokens=True)
    pieces = whole["input_ids"]
    if any(whole.get("token_type_ids", [])):
        raise UnsupportedError(
            f"the transformer {source!r} needs token type ids, which cannot be packaged"
        )
    for place in range(len(pieces) - len(plain) + 1):
        if pieces[place : place + len(plain)] == plain:
            return tokenizer, pieces[:place], pieces[place + len(plain) :]
    raise UnsupportedError(
        f"the tokenizer of {source!r} changes words besides adding special "
        "pieces, which cannot be packaged"
    )


def _configuration(source: str, changes: Options) -> Any:
    """Returns the transformer's configuration with the changes of `transformer_kwargs`."""
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(source, local_files_only=Path(source).is_dir())
    except (OSError, ValueError) as error:
        raise BridgeError(f"the transformer {source!r} cannot be opened: {error}") from error
    _change(config, changes)
    return config


def _network(
    config: Any,
    source: str,
    vocabulary: int,
    trimmed: Optional[TrimmedTokenizer],
    weights: Weights,
    last_layer_only: bool,
    numbers: int,
) -> Tuple[bytes, Dict[str, Any], Optional[int]]:
    """Returns the graph, its settings, and the number of word pieces that it takes, if limited."""
    from transformers import AutoModel

    # The fused attention of newer versions cannot be exported.
    eager = {"attn_implementation": "eager"} if hasattr(config, "_attn_implementation") else {}
    try:
        with no_larger_than(numbers, f"the transformer {source!r}"):
            model = AutoModel.from_config(config, **eager)
            if model.get_input_embeddings().num_embeddings != vocabulary:
                model.resize_token_embeddings(vocabulary)
    except ArchiveError as error:
        raise BridgeError(str(error)) from error
    prefix = weights.below("transformer_model")
    state = model.state_dict()
    with torch.no_grad():
        for key, value in state.items():
            if prefix.has(key):
                value.copy_(torch.from_numpy(prefix.shaped(key, tuple(value.shape))))
            elif "pooler." not in key and not key.endswith(("position_ids", "token_type_ids")):
                prefix[key]  # raises an error
    mix: Optional[List[float]] = None
    if not last_layer_only:
        part = weights.below("_scalar_mix")
        scores = [part[f"scalar_parameters.{layer}"] for layer in range(config.num_hidden_layers)]
        exponents = numpy.exp(numpy.concatenate(scores))
        mix = [float(weight) for weight in part["gamma"] * exponents / exponents.sum()]
    settings = {"size": int(config.hidden_size), "packed": is_supported(config)}
    if settings["packed"]:
        arrays = {key: value.numpy() for key, value in state.items()}
        settings["skipped_piece"] = skipped = skipped_piece(config)
        if trimmed is not None:
            arrays[PIECE_TABLE] = arrays[PIECE_TABLE][trimmed.kept]
            if skipped is not None:
                (settings["skipped_piece"],) = trimmed.renumber([skipped])
        return layers_graph(config, arrays, mix), settings, position_limit(model)
    graph = _export(_Vectors(model.eval(), mix))
    return graph, {**settings, "skipped_piece": None}, position_limit(model)


def _change(config: Any, changes: Options) -> None:
    """Applies `transformer_kwargs` to a transformer's configuration, and refuses unknown ones."""
    changes.ignore("add_pooling_layer", *_FETCHING)
    known = {*config.to_dict(), *config.attribute_map}
    for name in sorted(known):
        value = changes.take(name, _UNCHANGED)
        if value is not _UNCHANGED:
            setattr(config, name, value)
    changes.finish()


class _Vectors(torch.nn.Module):
    """Returns the last layer, or a mix of all layers."""

    def __init__(self, transformer: torch.nn.Module, mix: Optional[List[float]]) -> None:
        super().__init__()
        self.transformer = transformer
        self.mix = mix

    def forward(self, pieces: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        outputs = self.transformer(
            input_ids=pieces,
            attention_mask=mask.float(),
            output_hidden_states=self.mix is not None,
            return_dict=True,
        )
        if self.mix is None:
            return outputs.last_hidden_state
        return sum(weight * layer for weight, layer in zip(self.mix, outputs.hidden_states[1:]))


def _export(module: torch.nn.Module) -> bytes:
    pieces = torch.ones(2, 5, dtype=torch.long)
    names = {name: {0: "segments", 1: "pieces"} for name in ("pieces", "mask", "vectors")}
    target = io.BytesIO()
    options: Dict[str, Any] = {}
    if "dynamo" in inspect.signature(torch.onnx.export).parameters:
        options["dynamo"] = False
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # constants in a trace; a test checks that lengths are not constants
        torch.onnx.export(
            module,
            (pieces, torch.ones_like(pieces)),
            target,
            input_names=["pieces", "mask"],
            output_names=["vectors"],
            dynamic_axes=names,
            opset_version=TRACED_OPSET,
            **options,
        )
    return target.getvalue()
