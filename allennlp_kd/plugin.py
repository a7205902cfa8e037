"""Imports every module that registers something; the one line of a `.allennlp_plugins` file."""
import allennlp_kd.modules.pretrained_transformer_layers_embedder  # noqa: F401
import allennlp_kd.modules.pretrained_transformer_layers_indexer  # noqa: F401
