"""The longest sentence that an AllenNLP model accepts."""

from typing import Optional

from allennlp.data.fields import TextField
from allennlp.models import Model
from allennlp.modules.token_embedders import PretrainedTransformerEmbedder

from allennlp_kd.archives.position_limit import position_limit


def sentence_limit(model: Model) -> Optional[int]:
    """Returns the number of word pieces that all transformers of a model accept.

    # Returns

    `int`, optional
        `None` if no transformer has a limit, or those that have one fold long sentences
        (`max_length`).
    """
    limits = [
        position_limit(module.transformer_model)
        for module in model.modules()
        if isinstance(module, PretrainedTransformerEmbedder) and module._max_length is None
    ]
    return min((limit for limit in limits if limit is not None), default=None)


def word_pieces(field: TextField) -> int:
    """Returns the number of word pieces in an indexed sentence; 0 if no indexer makes word pieces."""
    return max(len(each.get("token_ids", ())) for each in field._indexed_tokens.values())
