"""Builds the inputs of a student: its token indexers with their embedders."""

from typing import Any, Dict, Iterable, List, Optional

import numpy

from spacy_bridge.errors import UnsupportedError
from spacy_bridge.packaging.archive.options import Options
from spacy_bridge.packaging.archive.student_archive import StudentArchive
from spacy_bridge.packaging.archive.weights import Weights
from spacy_bridge.packaging.networks.characters import character_network, embedding_weight
from spacy_bridge.packaging.networks.hashed_words import hashed_words_graph

SUPPORTED = (
    "single_id with embedding",
    "characters with character_encoding",
    "word_features with hashed_embedding",
    "pretrained_transformer_mismatched, pretrained_transformer_layers",
    "pretrained_transformer with pretrained_transformer",
)
MATCHED = "pretrained_transformer"
TRANSFORMERS = ("pretrained_transformer_mismatched", "pretrained_transformer_layers")


class TextInputs:
    """Reads the inputs of an archive's student.

    # Parameters

    archive : `StudentArchive`
    trim_to : `Iterable[str]`, optional
        Words: word pieces that none of them has are left out.

    # Attributes

    settings : `Dict[str, Dict[str, Any]]`
        For `settings.json`, by input.
    vocabulary, tensors, files
        What the settings refer to.
    size : `int`
        Of all inputs side by side.

    # Raises

    UnsupportedError
        If an input cannot be packaged.
    """

    def __init__(self, archive: StudentArchive, trim_to: Optional[Iterable[str]] = None) -> None:
        self._trim_to = trim_to
        self._archive = archive
        self.settings: Dict[str, Dict[str, Any]] = {}
        self.vocabulary: Dict[str, List[str]] = {}
        self.tensors: Dict[str, numpy.ndarray] = {}
        self.files: Dict[str, bytes] = {}
        self.size = 0
        indexers = archive.reader.get("token_indexers") or {"tokens": {"type": "single_id"}}
        field = Options(archive.model.get("text_field_embedder"), "model.text_field_embedder")
        if field.take("type", "basic") != "basic":
            raise UnsupportedError("model.text_field_embedder must be of type 'basic'")
        embedders = field.take("token_embedders")
        field.finish()
        if set(indexers) != set(embedders):
            raise UnsupportedError(
                f"token_indexers and token_embedders must have the same names, found "
                f"{sorted(indexers)} and {sorted(embedders)}"
            )
        weights = Weights(archive.weights).below("text_field_embedder")
        for number, name in enumerate(sorted(indexers)):
            self._add(
                name,
                f"input{number}",
                Options(indexers[name], f"dataset_reader.token_indexers.{name}"),
                Options(embedders[name], f"model.text_field_embedder.token_embedders.{name}"),
                weights.below(f"token_embedder_{name}"),
            )

    def _add(
        self, name: str, file: str, indexer: Options, embedder: Options, weights: Weights
    ) -> None:
        kinds = (indexer.take("type", "single_id"), embedder.take("type", "embedding"))
        indexer.ignore("token_min_padding_length")
        if kinds == ("single_id", "embedding"):
            self._add_embedding(name, file, indexer, embedder, weights)
        elif kinds == ("characters", "character_encoding"):
            self._add_characters(name, file, indexer, embedder, weights)
        elif kinds == ("word_features", "hashed_embedding"):
            graph, settings = hashed_words_graph(indexer, embedder, weights)
            self.files[f"{file}.onnx"] = graph
            self.settings[name] = {"type": "hashed_words", "graph": f"{file}.onnx", **settings}
            self.size += settings["size"]
        elif kinds == (MATCHED, MATCHED) or (kinds[0] in TRANSFORMERS and kinds[1] in TRANSFORMERS):
            from spacy_bridge.packaging.networks.transformer import add_transformer

            settings = add_transformer(
                self._archive,
                self.files,
                file,
                indexer,
                embedder,
                weights,
                kinds[0] == MATCHED,
                self._trim_to,
            )
            self.settings[name] = settings
            self.size += settings["size"]
        else:
            raise UnsupportedError(
                f"the input {name!r} has an indexer of type {kinds[0]!r} and an embedder of type "
                f"{kinds[1]!r}, which cannot be packaged; supported: {'; '.join(SUPPORTED)}"
            )

    def _add_embedding(
        self, name: str, file: str, indexer: Options, embedder: Options, weights: Weights
    ) -> None:
        namespace = indexer.take("namespace", "tokens")
        if namespace is None:
            raise UnsupportedError(f"{indexer.where}.namespace is null, which cannot be packaged")
        lowercase = indexer.take("lowercase_tokens", False)
        indexer.refuse("start_tokens", None)
        indexer.refuse("end_tokens", None)
        indexer.refuse("feature_name", "text")
        indexer.ignore("default_value")
        indexer.finish()
        table = embedding_weight(embedder, weights)
        tokens = self._tokens(namespace)
        if len(table) != len(tokens) + 1:
            raise UnsupportedError(
                f"{embedder.where} has {len(table)} rows for {len(tokens) + 1} entries of the "
                f"namespace {namespace!r}"
            )
        self.tensors[file] = table
        self.settings[name] = {
            "type": "embedding",
            "vocabulary": namespace,
            "weight": file,
            "lowercase": lowercase,
        }
        self.size += table.shape[1]

    def _add_characters(
        self, name: str, file: str, indexer: Options, embedder: Options, weights: Weights
    ) -> None:
        namespace = indexer.take("namespace", "token_characters")
        indexer.refuse("start_tokens", None)
        indexer.refuse("end_tokens", None)
        fewest = indexer.take("min_padding_length", 0)
        tokenizer = Options(
            indexer.take("character_tokenizer", None), f"{indexer.where}.character_tokenizer"
        )
        indexer.finish()
        tokenizer.refuse("type", "character")
        encoding = tokenizer.take("byte_encoding", None)
        lowercase = tokenizer.take("lowercase_characters", False)
        ends = [tokenizer.take(option, None) or [] for option in ("start_tokens", "end_tokens")]
        tokenizer.finish()
        if encoding is not None and encoding.lower().replace("_", "-") not in ("utf-8", "utf8"):
            raise UnsupportedError(
                f"{tokenizer.where}.byte_encoding must be utf-8, found {encoding!r}"
            )
        spelled = any(isinstance(token, str) for end in ends for token in end)
        tokens = self._tokens(namespace) if encoding is None or spelled else None
        network = character_network(embedder, weights)
        self.files[f"{file}.onnx"] = network.graph
        self.settings[name] = {
            "type": "characters",
            "vocabulary": None if tokens is None else namespace,
            "graph": f"{file}.onnx",
            "size": network.size,
            "min_characters": max(fewest, network.fewest),
            "overlap": network.overlap,
            "lowercase": lowercase,
            "byte_encoding": encoding,
            "start": [self._number(token, tokens) for token in ends[0]],
            "end": [self._number(token, tokens) for token in ends[1]],
        }
        self.size += network.size

    def _tokens(self, namespace: str) -> List[str]:
        if namespace not in self.vocabulary:
            self.vocabulary[namespace] = self._archive.vocabulary(namespace)
        return self.vocabulary[namespace]

    @staticmethod
    def _number(token: Any, tokens: Any) -> int:
        if isinstance(token, int):
            return token
        from spacy_bridge.runtime.words.vocabulary import TokenNumbers

        return TokenNumbers(tokens)[token]
