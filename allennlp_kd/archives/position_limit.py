"""The longest input that a transformer accepts."""

from typing import Optional

from torch.nn import Embedding, Module

RELATIVE = ("deberta", "deberta-v2", "funnel", "xlnet")
"""Architectures without a limit, unless they have a table of positions besides relative positions."""


def position_limit(network: Module) -> Optional[int]:
    """Returns the number of word pieces that a transformer accepts: the smaller of what its
    configuration states and what its table of positions holds.

    # Parameters

    network : `Module`
        A model of `transformers`.

    # Returns

    `int`, optional
        `None` if it has no limit.
    """
    config = getattr(network, "config", None)
    stated = getattr(config, "max_position_embeddings", None)
    limits = []
    if stated is not None and stated > 0 and config.model_type not in RELATIVE:
        limits.append(stated)
    for name, table in network.named_modules():
        if name.rpartition(".")[2] == "position_embeddings" and isinstance(table, Embedding):
            # RoBERTa and similar models count positions from the one after the padding index.
            reserved = 0 if table.padding_idx is None else table.padding_idx + 1
            limits.append(table.num_embeddings - reserved)
    return min(limits, default=None)
