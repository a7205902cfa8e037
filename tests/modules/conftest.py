"""Tiny transformers of random weights, built by code."""

import json
from pathlib import Path
from typing import Callable

import pytest
import torch
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizerFast,
    DistilBertConfig,
    DistilBertModel,
    ElectraConfig,
    ElectraModel,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizerFast,
)

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "1", "2", "the", "cat", "dog"]
PIECES += ["##s", "##ing", "runn", "sleep", "."]
SIZES = dict(hidden_size=8, num_attention_heads=2, intermediate_size=16, max_position_embeddings=32)


def save_bert(folder: Path, depth: int = 4, seed: int = 0, **options) -> Path:
    """A BERT with a word-piece tokenizer, as a folder that both stacks can read."""
    return _save_word_pieces(folder, BertModel, BertConfig, depth, seed, **SIZES, **options)


def save_electra(folder: Path, depth: int = 4, seed: int = 0) -> Path:
    """An ELECTRA whose embeddings are narrower than its layers."""
    sizes = dict(SIZES, embedding_size=6)
    return _save_word_pieces(folder, ElectraModel, ElectraConfig, depth, seed, **sizes)


def save_distilbert(folder: Path, depth: int = 4, seed: int = 0) -> Path:
    sizes = dict(dim=8, n_heads=2, hidden_dim=16, max_position_embeddings=32)
    return _save_word_pieces(folder, DistilBertModel, DistilBertConfig, depth, seed, **sizes)


def save_roberta(folder: Path, depth: int = 4, seed: int = 0) -> Path:
    """A RoBERTa with a byte-level tokenizer that hardly merges."""
    folder.mkdir(parents=True, exist_ok=True)
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    pieces += ["Ġ"] + [chr(code) for code in range(ord("!"), ord("~") + 1)]
    pieces += ["Ġa", "Ġb"]
    pieces = {piece: index for index, piece in enumerate(pieces)}
    (folder / "vocab.json").write_text(json.dumps(pieces), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nĠ a\nĠ b\n", encoding="utf-8")
    tokenizer = RobertaTokenizerFast(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=True
    )
    tokenizer.save_pretrained(folder)
    torch.manual_seed(seed)
    sizes = dict(SIZES, vocab_size=len(tokenizer), pad_token_id=1)
    _save_weights(folder, RobertaModel(RobertaConfig(num_hidden_layers=depth, **sizes)))
    return folder


def _save_word_pieces(folder, model_class, config_class, depth, seed, **options) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(seed)
    options.setdefault("vocab_size", len(PIECES))
    config = config_class(num_hidden_layers=depth, **options)
    _save_weights(folder, model_class(config))
    return folder


def _save_weights(folder: Path, model) -> None:
    # transformers 4.20 reads no safetensors, and newer versions write them by default.
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")


BUILDERS = {
    "bert": save_bert,
    "electra": save_electra,
    "distilbert": save_distilbert,
    "roberta": save_roberta,
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., str]:
    """Builds a checkpoint folder: `checkpoint("bert", depth=4)` gives its path."""

    def build(kind: str = "bert", name: str = "checkpoint", **options) -> str:
        return str(BUILDERS[kind](tmp_path / name, **options))

    return build
