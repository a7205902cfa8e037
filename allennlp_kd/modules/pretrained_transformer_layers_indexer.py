"""The token indexer for students that keep some of a transformer's layers."""

from typing import Any, Dict, Optional

from allennlp.data import TokenIndexer
from allennlp.data.token_indexers import PretrainedTransformerMismatchedIndexer

from allennlp_kd.modules.carried_transformer import (
    carried_folder,
    carry,
    past_the_cache,
    temporary_folder,
)
from allennlp_kd.modules.tokenizer_files import carried_tokenizer_kwargs, save_tokenizer


@TokenIndexer.register("pretrained_transformer_layers")
class PretrainedTransformerLayersIndexer(PretrainedTransformerMismatchedIndexer):
    """Splits words into a transformer's word pieces, for `PretrainedTransformerLayersEmbedder`.

    It does the same as `pretrained_transformer_mismatched`. In addition, the model's archive
    contains the tokenizer's files, and loading the archive opens only these and not `model_name`.

    # Parameters

    model_name : `str`
        The checkpoint: a local folder, or a name on the Hugging Face Hub.
    namespace, max_length, tokenizer_kwargs
        As `PretrainedTransformerMismatchedIndexer` has them.
    carried_as : `str`, optional (default = `"transformer"`)
        The embedder's `carried_as`. A model with two transformers needs a different name for each.
    serialization_dir, local_rank
        Handed down by AllenNLP; no entries of a config.

    # Raises

    ConfigurationError
        If the checkpoint cannot be opened, or `carried_as` is taken by another one.
    """

    def __init__(
        self,
        model_name: str,
        namespace: str = "tags",
        max_length: Optional[int] = None,
        tokenizer_kwargs: Optional[Dict[str, Any]] = None,
        carried_as: str = "transformer",
        serialization_dir: Optional[str] = None,
        local_rank: Optional[int] = None,
        **kwargs,
    ) -> None:
        carried = carried_folder(serialization_dir, carried_as, local_rank)
        options = carried_tokenizer_kwargs(tokenizer_kwargs)
        if carried is not None:
            with past_the_cache(str(carried)):
                super().__init__(str(carried), namespace, max_length, options, **kwargs)
            return
        with temporary_folder() as folder:
            save_tokenizer(model_name, tokenizer_kwargs, folder)
            carry(folder, serialization_dir, carried_as, local_rank)
            super().__init__(folder, namespace, max_length, options, **kwargs)
