"""The parts that the benchmarks' tagger and parser share."""

from typing import Any, Dict

EMBEDDED = 150  # 100 of the word, 50 of its characters

INDEXERS: Dict[str, Any] = {
    "tokens": {"type": "single_id", "lowercase_tokens": True},
    "characters": {"type": "characters", "min_padding_length": 3},
}


def embedder() -> Dict[str, Any]:
    """Of words and characters."""
    characters = {"type": "cnn", "embedding_dim": 16, "num_filters": 50, "ngram_filter_sizes": [3]}
    return {
        "token_embedders": {
            "tokens": {"type": "embedding", "embedding_dim": 100},
            "characters": {
                "type": "character_encoding",
                "embedding": {"embedding_dim": 16, "vocab_namespace": "token_characters"},
                "encoder": characters,
                "dropout": 0.3,
            },
        }
    }


def bilstm(hidden_size: int) -> Dict[str, Any]:
    """Of 2 layers, with dropout; `hidden_size` is that of each direction."""
    return {
        "type": "lstm",
        "bidirectional": True,
        "num_layers": 2,
        "input_size": EMBEDDED,
        "hidden_size": hidden_size,
        "dropout": 0.3,
    }
