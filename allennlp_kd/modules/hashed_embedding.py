"""The token embedder `hashed_embedding`: word vectors from hashed features."""

from typing import Dict, List, Optional, Union

import torch
from allennlp.common.checks import ConfigurationError
from allennlp.modules import TokenEmbedder
from torch import Tensor
from torch.nn import LayerNorm, Linear, Parameter, functional as F

from allennlp_kd.modules.maxout import Maxout
from spacy_bridge.runtime.words.word_features import DEFAULT_FEATURES, SEEDS


@TokenEmbedder.register("hashed_embedding")
class HashedEmbedding(TokenEmbedder):
    """One vector per word, computed from the hashes of the indexer `word_features`.

    Each feature has a table. The vector of a feature is the sum of two rows of its table, one for
    each hash, so two features that share one row rarely share both (the hash embeddings of
    Svenstrup et al., 2017, as in spaCy). The vectors of all features are concatenated and go
    through a maxout layer and layer normalization. The result depends only on the word.

    # Parameters

    output_dim : `int`
        The width of a word's vector.
    width : `int`, optional (default = `64`)
        The width of a feature's vector.
    rows : `int` or `Dict[str, int]`, optional (default = `2000`)
        The number of rows of each table, or of the table of each named feature.
    features : `List[str]`, optional
        The features of the indexer, in the same order. The default is the same as the indexer's.
    pieces : `int`, optional (default = `2`)
        The number of linear maps in the maxout layer.
    feature_dropout : `float`, optional (default = `0.0`)
        The probability, in training, that a feature's whole vector is set to 0 (the others are
        scaled up, as in dropout). It makes the student rely on more than a word's form.

    # Raises

    ConfigurationError
        If a number is out of its range, or `rows` does not name the features.
    """

    def __init__(
        self,
        output_dim: int,
        width: int = 64,
        rows: Union[int, Dict[str, int]] = 2000,
        features: Optional[List[str]] = None,
        pieces: int = 2,
        feature_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.features = list(DEFAULT_FEATURES if features is None else features)
        counts = self._counts(rows)
        for name, value in {"output_dim": output_dim, "width": width, "pieces": pieces}.items():
            if value < 1:
                raise ConfigurationError(
                    f"{name} of hashed_embedding must be at least 1, found {value}"
                )
        if not 0 <= feature_dropout < 1:
            raise ConfigurationError(f"feature_dropout must lie in [0, 1), found {feature_dropout}")
        self._output_dim = output_dim
        self._feature_dropout = feature_dropout
        # Shape: (rows of all tables, width), the tables one after the other
        self.weight = Parameter(torch.empty(sum(counts), width))
        self.joint = Linear(len(counts) * width, pieces * output_dim)
        # It is a module because AllenNLP considers a bias before a normalization unused.
        self.maxout = Maxout(pieces)
        self.norm = LayerNorm(output_dim)
        repeated = torch.tensor(counts).repeat_interleave(len(SEEDS))
        starts = torch.tensor([sum(counts[:place]) for place in range(len(counts))])
        # Shape: (2 * features,)
        self.register_buffer("_rows", repeated, persistent=False)
        self.register_buffer("_starts", starts.repeat_interleave(len(SEEDS)), persistent=False)
        torch.nn.init.uniform_(self.weight, -0.1, 0.1)
        torch.nn.init.xavier_uniform_(self.joint.weight)
        torch.nn.init.zeros_(self.joint.bias)

    def _counts(self, rows: Union[int, Dict[str, int]]) -> List[int]:
        """Returns the number of rows in each feature's table."""
        by_name = dict.fromkeys(self.features, rows) if isinstance(rows, int) else rows
        if set(by_name) != set(self.features):
            raise ConfigurationError(
                f"rows of hashed_embedding must name the features {', '.join(self.features)}; found "
                f"{', '.join(by_name)}"
            )
        wrong = {name: count for name, count in by_name.items() if count < 1}
        if wrong or not by_name:
            raise ConfigurationError(
                f"hashed_embedding needs at least one feature with at least one row, found {wrong}"
            )
        return [by_name[name] for name in self.features]

    def get_output_dim(self) -> int:
        return self._output_dim

    def forward(self, hashes: Tensor) -> Tensor:
        """
        # Parameters

        hashes : `Tensor`
            Shape `(..., 2 * features)`, int64, from the indexer `word_features`.

        # Returns

        `Tensor`
            Shape `(..., output_dim)`.

        # Raises

        ConfigurationError
            If the indexer has another number of features.
        """
        if hashes.shape[-1] != len(self._rows):
            raise ConfigurationError(
                f"hashed_embedding has {len(self.features)} features, but the indexer "
                f"word_features has {hashes.shape[-1] // len(SEEDS)}: give both the same list of "
                "features"
            )
        # Shape: (..., features, 2, width)
        rows = F.embedding(hashes % self._rows + self._starts, self.weight)
        rows = rows.unflatten(-2, (len(self.features), len(SEEDS)))
        # Shape: (..., features, width)
        vectors = rows.sum(dim=-2)
        if self.training and self._feature_dropout > 0:
            kept = torch.ones_like(vectors[..., :1])
            vectors = vectors * F.dropout(kept, self._feature_dropout)
        return self.norm(self.maxout(self.joint(vectors.flatten(-2))))
