"""Transformers of a few hundred weights, one of each architecture, with tokenizers of a few word pieces."""

import json
from pathlib import Path
from typing import Any, Dict

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AlbertTokenizerFast,
    AutoConfig,
    AutoModel,
    BertTokenizerFast,
    DebertaTokenizerFast,
    DebertaV2TokenizerFast,
    ElectraTokenizerFast,
    RobertaTokenizerFast,
    XLMRobertaTokenizerFast,
)

WORD_PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORD_PIECES += ["a", "the", "cat", "dog", "##s", "run", "sleep", "#", "1"]
SPACED = ["▁a", "▁the", "▁cat", "▁dog", "s", "▁run", "▁sleep", "▁#", "1", "▁1", "▁2"]
BYTES = ["a", "c", "d", "e", "g", "h", "l", "n", "o", "p", "r", "s", "t", "u", "#", "1", "Ġ"]
# Weights this large let the scores of different words differ clearly.
SIZES: Dict[str, Any] = dict(
    hidden_size=4,
    num_attention_heads=2,
    num_hidden_layers=1,
    intermediate_size=6,
    max_position_embeddings=40,
    initializer_range=0.7,
)


def write_transformer(name: str, folder: Path) -> Path:
    """Writes an architecture and its tokenizer, without weights.

    # Parameters

    name : `str`
        A key of `TRANSFORMERS`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model_type, tokenizer_class, write_tokenizer, options = TRANSFORMERS[name]
    size = write_tokenizer(tokenizer_class, folder)
    config = AutoConfig.for_model(model_type, **{**SIZES, "vocab_size": size, **options})
    config.save_pretrained(folder)
    return folder


def write_weights(folder: Path, seed: int = 0) -> Path:
    """Writes random weights beside an architecture, in the format that both stacks read."""
    import torch

    torch.manual_seed(seed)
    model = AutoModel.from_config(AutoConfig.from_pretrained(str(folder)))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def _word_pieces(tokenizer_class: Any, folder: Path) -> int:
    (folder / "vocab.txt").write_text("\n".join(WORD_PIECES) + "\n", encoding="utf-8")
    tokenizer_class(str(folder / "vocab.txt")).save_pretrained(folder)
    return len(WORD_PIECES)


def _byte_pairs(tokenizer_class: Any, folder: Path) -> int:
    if tokenizer_class is RobertaTokenizerFast:
        pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    else:
        pieces = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"]
    pieces = {piece: index for index, piece in enumerate([*pieces, *BYTES, "Ġa"])}
    (folder / "vocab.json").write_text(json.dumps(pieces), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nĠ a\n", encoding="utf-8")
    tokenizer_class(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=True
    ).save_pretrained(folder)
    return len(pieces)


def _sentence_pieces(tokenizer_class: Any, folder: Path) -> int:
    if tokenizer_class is XLMRobertaTokenizerFast:
        special, first, last = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<s>", "</s>"
    else:
        special, first, last = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"], "[CLS]", "[SEP]"
        if tokenizer_class is DebertaV2TokenizerFast:
            special[:2] = ["[PAD]", "[UNK]"]
    pieces = [(piece, 0.0) for piece in special]
    pieces += [(piece, -float(index)) for index, piece in enumerate(SPACED, start=1)]
    unknown = next(index for index, piece in enumerate(special) if "unk" in piece.lower())
    tokenizer = Tokenizer(models.Unigram(pieces, unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    ends = [(piece, special.index(piece)) for piece in (first, last)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}", pair=f"{first} $A {last} $B {last}", special_tokens=ends
    )
    tokenizer_class(tokenizer_object=tokenizer).save_pretrained(folder)
    return len(pieces)


TRANSFORMERS: Dict[str, Any] = {
    "bert": ("bert", BertTokenizerFast, _word_pieces, {}),
    "electra": ("electra", ElectraTokenizerFast, _word_pieces, {"embedding_size": 3}),
    "roberta": (
        "roberta", RobertaTokenizerFast, _byte_pairs,
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1},
    ),
    "xlm_roberta": (
        "xlm-roberta", XLMRobertaTokenizerFast, _sentence_pieces,
        {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "type_vocab_size": 1},
    ),
    "albert": (
        "albert", AlbertTokenizerFast, _sentence_pieces,
        {"embedding_size": 3, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3},
    ),
    "deberta": (
        "deberta", DebertaTokenizerFast, _byte_pairs,
        {"relative_attention": True, "pos_att_type": ["c2p", "p2c"], "type_vocab_size": 0},
    ),
    "deberta_v2": (
        "deberta-v2", DebertaV2TokenizerFast, _sentence_pieces,
        {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8,
         "norm_rel_ebd": "layer_norm", "share_att_key": True, "type_vocab_size": 0,
         "position_biased_input": False},
    ),
}  # fmt: skip
"""By name: `transformers`' type, the tokenizer's class and form, and the architecture's options."""
