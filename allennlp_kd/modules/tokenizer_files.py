"""Saves a checkpoint's tokenizer as self-contained files."""

import json
from pathlib import Path
from typing import Any, Dict, Optional

from transformers import AutoTokenizer

from allennlp_kd.modules.weight_sources import open_checkpoint

NAMES_OF_PLACES = ("name_or_path", "special_tokens_map_file", "tokenizer_file")


def save_tokenizer(model_name: str, tokenizer_kwargs: Optional[Dict[str, Any]], folder: str) -> int:
    """Saves the tokenizer of a checkpoint.

    # Returns

    `int`
        Its number of word pieces, added tokens included.
    """
    kwargs = {"use_fast": True, **(tokenizer_kwargs or {})}
    tokenizer = open_checkpoint(AutoTokenizer.from_pretrained, model_name, **kwargs)
    tokenizer.save_pretrained(folder)
    # The remaining settings do not depend on where the checkpoint is, and name nothing outside.
    path = Path(folder) / "tokenizer_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    for name in NAMES_OF_PLACES:
        settings.pop(name, None)
    path.write_text(json.dumps(settings, indent=2, sort_keys=True), encoding="utf-8")
    return len(tokenizer)


def carried_tokenizer_kwargs(
    tokenizer_kwargs: Optional[Dict[str, Any]],
) -> Optional[Dict[str, Any]]:
    """Returns the options that are still needed to open saved files; the files contain all others."""
    if tokenizer_kwargs is None or "use_fast" not in tokenizer_kwargs:
        return None
    return {"use_fast": tokenizer_kwargs["use_fast"]}
