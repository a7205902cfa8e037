"""The longest sentence that a model's transformers accept."""

from typing import Optional

from allennlp.data.fields import TextField
from allennlp.models import Model
from allennlp.modules.token_embedders import PretrainedTransformerEmbedder
from torch.nn import Embedding


def position_limit(model: Model) -> Optional[int]:
    """Returns the number of word pieces that a model's transformers accept.

    # Returns

    `int`, optional
        `None` if there is no transformer, it folds long sentences (`max_length`), or it has no
        table of positions.
    """
    limits = []
    for module in model.modules():
        if not isinstance(module, PretrainedTransformerEmbedder) or module._max_length is not None:
            continue
        for name, table in module.transformer_model.named_modules():
            if name.endswith("position_embeddings") and isinstance(table, Embedding):
                # RoBERTa counts positions from the one after the padding index.
                reserved = 0 if table.padding_idx is None else table.padding_idx + 1
                limits.append(table.num_embeddings - reserved)
    return min(limits, default=None)


def word_pieces(field: TextField) -> int:
    """Returns the number of word pieces in an indexed sentence; 0 if no indexer makes word pieces."""
    return max(len(each.get("token_ids", ())) for each in field._indexed_tokens.values())
