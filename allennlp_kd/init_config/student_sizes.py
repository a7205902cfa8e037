"""The student sizes that `kd-init` writes, the same as in `training_configs`."""

from typing import Any, Dict

FEATURES = {
    "form": 8000,
    "lower": 8000,
    "prefix1": 500,
    "prefix3": 4000,
    "shape": 1000,
    "suffix2": 1000,
    "suffix3": 4000,
    "suffix4": 8000,
}
"""The features of a word, and the number of embedding rows for each."""

SIZES: Dict[str, Dict[str, Dict[str, Any]]] = {
    "small": {
        "chain": {"hidden": 96, "dilations": [1, 1, 2, 4]},
        "tree": {"hidden": 192, "dilations": [1, 1, 2, 2, 4, 8], "arcs": 100, "labels": 50},
    },
    "medium": {
        "chain": {"hidden": 192, "dilations": [1, 1, 2, 2, 4, 1]},
        "tree": {"hidden": 256, "dilations": [1, 1, 2, 2, 4, 4, 8, 1], "arcs": 200, "labels": 100},
    },
    "large": {"chain": {"layers": 3}, "tree": {"layers": 3, "arcs": 200, "labels": 50}},
}
"""The settings by size and structure."""

TRAINING: Dict[str, Dict[str, Any]] = {
    "small": {"alpha": 0.8, "lr": 0.003, "epochs": 20, "batch": {"chain": 64, "tree": 128}},
    "medium": {"alpha": 0.8, "lr": 0.0025, "epochs": 20, "batch": {"chain": 64, "tree": 128}},
    "large": {"alpha": 0.5, "lr": 0.002, "epochs": 10, "batch": {"chain": 32, "tree": 32}},
}
WORDS_WITH_TEXT = 4_000_000
"""The words to train on in all epochs together, if there is unlabeled text."""
LEAST_EPOCHS = 4


def epochs_of(size: str, words: int, text_words: int) -> int:
    """The number of epochs: with unlabeled text, fewer of them, because each is longer.

    # Parameters

    size : `str`
    words, text_words : `int`
        The words of the corpus and of the unlabeled text.
    """
    epochs = TRAINING[size]["epochs"]
    if not text_words:
        return epochs
    return max(LEAST_EPOCHS, min(epochs, WORDS_WITH_TEXT // (words + text_words)))
