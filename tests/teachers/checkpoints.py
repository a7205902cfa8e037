"""Tiny checkpoints of `transformers` for token classification, with tokenizers of their own."""

from pathlib import Path
from typing import Any, Dict, List

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

WORDS = ["the", "small", "model", "tags", "Berlin", "quickly", "unbelievable", "words", "."]
LABELS = ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"]
SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 80,
}
DISTIL = {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "max_position_embeddings": 80}
NAMES = (
    "bert", "roberta", "deberta", "deberta-v2", "distilbert", "electra", "xlm-roberta", "modernbert",
)  # fmt: skip
KINDS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name not in transformers.CONFIG_MAPPING,
            reason=f"transformers {transformers.__version__} has no {name}",
        ),
    )
    for name in NAMES
]
"""For `pytest.mark.parametrize`."""


def _word_pieces() -> Any:
    letters = sorted({letter for word in WORDS for letter in word.lower()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters]
    vocabulary += [f"##{letter}" for letter in letters] + ["the", "small", "tag", "##s", "un"]
    vocabulary = list(dict.fromkeys(vocabulary))
    tokenizer = Tokenizer(
        models.WordPiece({each: n for n, each in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
    return tokenizer, names, len(vocabulary)


def _bytes_pairs() -> Any:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", *alphabet, "th", "ta", "Ġt"]
    tokenizer = Tokenizer(
        models.BPE(
            {each: n for n, each in enumerate(vocabulary)}, [("t", "h"), ("t", "a"), ("Ġ", "t")]
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", 2), ("<s>", 0), add_prefix_space=True
    )
    names = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
    return tokenizer, names, len(vocabulary)


def _unigrams() -> Any:
    letters = sorted({letter for word in WORDS for letter in word})
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(letter, -3.0) for letter in letters] + [("▁the", -2.0), ("ing", -2.0)]
    pieces += [("<mask>", 0.0)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {"pad": "<pad>", "unk": "<unk>", "cls": "<s>", "sep": "</s>", "mask": "<mask>"}
    return tokenizer, names, len(pieces)


TOKENIZERS = {
    **{kind: _word_pieces for kind in ("bert", "distilbert", "electra", "modernbert")},
    **{kind: _bytes_pairs for kind in ("roberta", "deberta")},
    **{kind: _unigrams for kind in ("xlm-roberta", "deberta-v2")},
}


def write_checkpoint(
    folder: Path, kind: str, labels: List[str] = LABELS, pickled: bool = False
) -> Path:
    """A checkpoint with random weights, saved as `transformers` saves it."""
    tokenizer, names, size = TOKENIZERS[kind]()
    special: Dict[str, str] = {f"{name}_token": token for name, token in names.items()}
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )
    sizes = dict(DISTIL if kind == "distilbert" else SMALL)
    if kind == "electra":
        sizes["embedding_size"] = 16
    if kind == "modernbert":  # names of its own tokens, which this vocabulary lacks
        sizes.update({f"{name}_token_id": 0 for name in ("bos", "eos", "cls", "sep")})
        sizes.update(reference_compile=False, global_attn_every_n_layers=1)
    if kind.startswith("deberta"):
        sizes.update(relative_attention=True, pos_att_type=["c2p", "p2c"], position_buckets=8)
    config = transformers.AutoConfig.for_model(
        kind,
        vocab_size=size,
        pad_token_id=fast.pad_token_id,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
        **sizes,
    )
    torch.manual_seed(13)
    model = transformers.AutoModelForTokenClassification.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    config.architectures = [type(model).__name__]
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(folder)
    fast.save_pretrained(folder)
    state = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    if pickled:
        torch.save(state, folder / "pytorch_model.bin")
    else:
        from safetensors.torch import save_file

        save_file(state, str(folder / "model.safetensors"), metadata={"format": "pt"})
    return folder
