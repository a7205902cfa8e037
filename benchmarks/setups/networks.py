"""The parts that the benchmarks' tagger and parser share."""

from typing import Any, Dict

WORDS, CHARACTERS = 100, 50  # the widths of their embeddings

INDEXERS: Dict[str, Any] = {
    "tokens": {"type": "single_id", "lowercase_tokens": True},
    "characters": {"type": "characters", "min_padding_length": 3},
}


def indexers(characters: bool) -> Dict[str, Any]:
    """Of words, and of characters if so."""
    return {name: each for name, each in INDEXERS.items() if characters or name != "characters"}


def embedder(with_characters: bool = True) -> Dict[str, Any]:
    """Of words, and of characters if so."""
    words = {"type": "embedding", "embedding_dim": WORDS}
    if not with_characters:
        return {"token_embedders": {"tokens": words}}
    characters = {
        "type": "cnn",
        "embedding_dim": 16,
        "num_filters": CHARACTERS,
        "ngram_filter_sizes": [3],
    }
    return {
        "token_embedders": {
            "tokens": words,
            "characters": {
                "type": "character_encoding",
                "embedding": {"embedding_dim": 16, "vocab_namespace": "token_characters"},
                "encoder": characters,
                "dropout": 0.3,
            },
        }
    }


def bilstm(hidden_size: int, with_characters: bool = True) -> Dict[str, Any]:
    """Of 2 layers, with dropout; `hidden_size` is that of each direction."""
    return {
        "type": "lstm",
        "bidirectional": True,
        "num_layers": 2,
        "input_size": WORDS + (CHARACTERS if with_characters else 0),
        "hidden_size": hidden_size,
        "dropout": 0.3,
    }
