"""Taggers and parsers as people configure them, each small enough to be built in a moment."""

from copy import deepcopy
from typing import Any, Dict, NamedTuple, Optional

WORDS = {"type": "single_id", "lowercase_tokens": True}
CHARACTERS = {"type": "characters", "min_padding_length": 5}
EMBEDDING = {"type": "embedding", "embedding_dim": 6}
CNN = {"type": "cnn", "embedding_dim": 3, "num_filters": 2, "ngram_filter_sizes": [2, 3]}
BERT = "bert"


class Configuration(NamedTuple):
    """
    # Parameters

    model, reader : `Dict[str, Any]`
        As in an archive's configuration. `{transformer}` stands for a folder, `{options}` and
        `{weights}` for ELMo's files.
    transformer : `str`, optional
        One of `TRANSFORMERS`.
    elmo : `bool`, optional (default = `False`)
    tags : `bool`, optional (default = `False`)
        Whether its reader takes part-of-speech tags.
    attributes : `bool`, optional (default = `False`)
        Whether an indexer reads the attribute `tag_` of tokens.
    """

    model: Dict[str, Any]
    reader: Dict[str, Any]
    transformer: Optional[str] = None
    elmo: bool = False
    tags: bool = False
    attributes: bool = False


def characters(encoder: Dict[str, Any], size: int = 3) -> Dict[str, Any]:
    embedding = {"embedding_dim": size, "vocab_namespace": "token_characters"}
    return {"type": "character_encoding", "embedding": embedding, "encoder": encoder}


def recurrent(kind: str, size: int = 6, **options: Any) -> Dict[str, Any]:
    return {"type": kind, "input_size": size, "hidden_size": 4, **options}


def tagger(
    indexers: Optional[Dict[str, Any]] = None,
    embedders: Optional[Dict[str, Any]] = None,
    encoder: Optional[Dict[str, Any]] = None,
    reader: Optional[Dict[str, Any]] = None,
    **options: Any,
) -> Configuration:
    model = {
        "type": "crf_tagger",
        "label_encoding": "BIO",
        "text_field_embedder": {"token_embedders": embedders or {"tokens": EMBEDDING}},
        "encoder": encoder or recurrent("lstm", bidirectional=True),
        **options,
    }
    found = reader or {"type": "sequence_tagging"}
    found = {**found, "token_indexers": indexers or {"tokens": WORDS}}
    return Configuration(deepcopy(model), deepcopy(found), tags="feature_labels" in found)


def parser(
    indexers: Optional[Dict[str, Any]] = None,
    embedders: Optional[Dict[str, Any]] = None,
    encoder: Optional[Dict[str, Any]] = None,
    **options: Any,
) -> Configuration:
    found = tagger(indexers, embedders, encoder, {"type": "universal_dependencies"}, **options)
    model = {**found.model, "type": "biaffine_parser"}
    model.update(arc_representation_dim=5, tag_representation_dim=4)
    del model["label_encoding"]
    return found._replace(model=model)


def with_transformer(
    make: Any = tagger,
    kind: str = "pretrained_transformer_mismatched",
    name: str = BERT,
    indexer: Optional[Dict[str, Any]] = None,
    embedder: Optional[Dict[str, Any]] = None,
    encoder: Optional[Dict[str, Any]] = None,
    **options: Any,
) -> Configuration:
    """A model whose words are a transformer's."""
    piece = {"type": kind, "model_name": "{transformer}"}
    found = make(
        {"tokens": {**piece, **(indexer or {})}},
        {"tokens": {**piece, **(embedder or {})}},
        encoder or {"type": "pass_through", "input_dim": 4},
        **options,
    )
    return found._replace(transformer=name)


def with_elmo(make: Any = tagger) -> Configuration:
    files = {"options_file": "{options}", "weight_file": "{weights}"}
    found = make(
        {"tokens": {"type": "elmo_characters"}},
        {"tokens": {"type": "elmo_token_embedder", **files}},
        recurrent("lstm", 8, bidirectional=True),
    )
    return found._replace(elmo=True)


def char_words(encoder: Dict[str, Any], width: int) -> Configuration:
    return tagger(
        {"tokens": WORDS, "characters": CHARACTERS},
        {"tokens": EMBEDDING, "characters": characters(encoder)},
        recurrent("lstm", 6 + width, bidirectional=True),
    )


WHOLE = {"max_length": 12}
CHARACTER_LSTM = {"type": "lstm", "input_size": 3, "hidden_size": 4, "bidirectional": True}
CHARACTER_GRU = {"type": "gru", "input_size": 3, "hidden_size": 4}
FEED_FORWARD = {"input_dim": 8, "num_layers": 2, "hidden_dims": 5, "activations": "relu"}
SELF_ATTENTION = {
    "type": "pytorch_transformer", "input_dim": 6, "num_layers": 1, "feedforward_hidden_dim": 5,
    "num_attention_heads": 2, "positional_encoding": "sinusoidal",
}  # fmt: skip
QANET = {
    "type": "qanet_encoder", "input_dim": 6, "hidden_dim": 8, "attention_projection_dim": 8,
    "feedforward_hidden_dim": 8, "num_blocks": 1, "num_convs_per_block": 2, "conv_kernel_size": 3,
    "num_attention_heads": 2,
}  # fmt: skip
GATED = {"type": "gated-cnn-encoder", "input_dim": 6, "layers": [[[2, 6]], [[2, 6]]]}
COMPOSED = {
    "type": "compose",
    "encoders": [
        recurrent("lstm"),
        {"type": "feedforward", "feedforward": {**FEED_FORWARD, "input_dim": 4}},
    ],
}
FEATURES = {"type": "conll2000", "tag_label": "chunk", "feature_labels": ["pos"]}
POS = {"pos_tag_embedding": {"embedding_dim": 3, "vocab_namespace": "pos"}}

CONFIGURATIONS: Dict[str, Configuration] = {
    # Taggers of words and characters.
    "tagger: words, LSTM": tagger(),
    "tagger: words, characters by CNN": char_words(CNN, 4),
    "tagger: words, characters by LSTM": char_words(CHARACTER_LSTM, 8),
    "tagger: words, characters by GRU": char_words(CHARACTER_GRU, 4),
    "tagger: words, bag of characters": char_words({"type": "boe", "embedding_dim": 3}, 3),
    "tagger: characters by `cnn-highway`": char_words(
        {"type": "cnn-highway", "embedding_dim": 3, "filters": [[2, 3]], "num_highway": 1,
         "projection_dim": 4, "activation": "relu", "projection_location": "after_highway"}, 4
    ),
    "tagger: part-of-speech feature (`feature_labels`)": tagger(reader=FEATURES),
    "tagger: part-of-speech and chunk features (`feature_labels`)": tagger(
        reader={**FEATURES, "feature_labels": ["pos", "chunk"]}
    ),
    "tagger: an attribute of tokens (`feature_name`)": tagger(
        {"tokens": WORDS, "tags": {"type": "single_id", "namespace": "tag", "feature_name": "tag_"}},
        {"tokens": EMBEDDING, "tags": {"type": "embedding", "embedding_dim": 2, "vocab_namespace": "tag"}},
        recurrent("lstm", 8, bidirectional=True),
    )._replace(attributes=True),
    # Encoders and heads.
    "tagger: GRU, two layers": tagger(
        encoder=recurrent("gru", num_layers=2, bidirectional=True)
    ),
    "tagger: Elman network (`rnn`)": tagger(encoder=recurrent("rnn")),
    "tagger: `stacked_bidirectional_lstm`": tagger(
        encoder=recurrent("stacked_bidirectional_lstm", num_layers=2)
    ),
    "tagger: `alternating_lstm`": tagger(encoder=recurrent("alternating_lstm", num_layers=2)),
    "tagger: stateful LSTM": tagger(encoder=recurrent("lstm", stateful=True)),
    "tagger: `pytorch_transformer`": tagger(encoder=SELF_ATTENTION),
    "tagger: `compose`": tagger(encoder=COMPOSED),
    "tagger: `gated-cnn-encoder`": tagger(encoder=GATED),
    "tagger: `qanet_encoder`": tagger(encoder=QANET),
    "tagger: feed-forward layers before the tags": tagger(feedforward=FEED_FORWARD),
    "tagger: neither start and end scores nor constraints": tagger(
        include_start_end_transitions=False, label_encoding=None
    ),
    "tagger: weighted labels, k best": tagger(label_weights={"O": 0.5}, top_k=2),
    "tagger: no CRF (`simple_tagger`)": tagger(type="simple_tagger", calculate_span_f1=True),
    # Transformers.
    **{
        f"tagger: {name}": with_transformer(name=key)
        for name, key in (
            ("BERT", BERT), ("RoBERTa", "roberta"), ("XLM-R", "xlm_roberta"), ("ALBERT", "albert"),
            ("ELECTRA", "electra"), ("DeBERTa", "deberta"), ("DeBERTa v2", "deberta_v2"),
        )
    },
    "tagger: BERT, LSTM": with_transformer(encoder=recurrent("lstm", 4, bidirectional=True)),
    "tagger: BERT, first piece of a word": with_transformer(
        embedder={"sub_token_mode": "first"}
    ),
    "tagger: BERT, mix of layers": with_transformer(embedder={"last_layer_only": False}),
    "tagger: BERT, long sentences folded": with_transformer(indexer=WHOLE, embedder=WHOLE),
    "tagger: BERT, `max_length` of the indexer alone": with_transformer(
        indexer={"max_length": 64}
    ),
    "tagger: BERT, a word piece a word (`pretrained_transformer`)": with_transformer(
        kind="pretrained_transformer"
    ),
    "tagger: BERT, the student's `pretrained_transformer_layers`": with_transformer(
        kind="pretrained_transformer_layers"
    ),
    "tagger: BERT, options of tokenizer and transformer": with_transformer(
        indexer={"tokenizer_kwargs": {"clean_text": True, "use_auth_token": False}},
        embedder={"transformer_kwargs": {"attention_probs_dropout_prob": 0.2}},
    ),
    "tagger: ELMo": with_elmo(),
    # Written in an unusual way.
    "tagger: the model and the reader by the paths of their classes": tagger(
        type="allennlp_models.tagging.models.crf_tagger.CrfTagger",
        reader={"type": "allennlp.data.dataset_readers.sequence_tagging.SequenceTaggingDatasetReader"},
    ),
    "tagger: a regularizer, and delimiters that look like paths": tagger(
        reader={"type": "sequence_tagging", "word_tag_delimiter": "|/|"},
        regularizer={"regexes": [[r"encoder\w*\.weight", {"type": "l2", "alpha": 0.1}]]},
    ),
    # Models of one's own.
    "tagger: a sub-class with another metric": tagger(type="counting_tagger"),
    "tagger: a sub-class with its own `forward`": tagger(type="louder_tagger"),
    # Parsers.
    "parser: words, LSTM": parser(),
    "parser: words, characters by CNN": char_words(CNN, 4)._replace(
        model={**parser(
            embedders={"tokens": EMBEDDING, "characters": characters(CNN)},
            encoder=recurrent("lstm", 10, bidirectional=True)).model},
        reader={**parser({"tokens": WORDS, "characters": CHARACTERS}).reader},
    ),
    "parser: part-of-speech tags (`pos_tag_embedding`)": parser(
        encoder=recurrent("lstm", 9, bidirectional=True), **POS
    )._replace(tags=True),
    "parser: `stacked_bidirectional_lstm`": parser(
        encoder=recurrent("stacked_bidirectional_lstm", num_layers=2)
    ),
    "parser: `pytorch_transformer`": parser(encoder=SELF_ATTENTION),
    "parser: own feed-forward networks": parser(
        arc_feedforward={"input_dim": 8, "num_layers": 2, "hidden_dims": [6, 5],
                         "activations": ["relu", "linear"]},
        tag_feedforward={"input_dim": 8, "num_layers": 1, "hidden_dims": 4,
                         "activations": "tanh"},
    ),
    "parser: greedy decoding": parser(use_mst_decoding_for_validation=False),
    "parser: BERT": with_transformer(parser),
    "parser: RoBERTa": with_transformer(parser, name="roberta"),
    "parser: BERT, LSTM, part-of-speech tags": with_transformer(
        parser, encoder=recurrent("lstm", 7, bidirectional=True), **POS
    )._replace(tags=True),
    "parser: BERT, a word piece a word (`pretrained_transformer`)": with_transformer(
        parser, kind="pretrained_transformer"
    ),
    "parser: ELMo": with_elmo(parser),
}  # fmt: skip
"""By the name of a row in the documentation."""
