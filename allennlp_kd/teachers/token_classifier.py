"""Runs a `transformers` token classifier on words."""

from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import torch
from allennlp.common.checks import ConfigurationError
from torch import Tensor

from allennlp_kd.archives.model_size import check_sizes, no_larger_than
from allennlp_kd.archives.position_limit import position_limit
from allennlp_kd.teachers.checkpoint_files import CONFIG, CheckpointFiles

POOLINGS = ("first", "mean")
UNLIMITED = 100_000  # tokenizers without a limit name a larger number
BATCH = 64  # windows


class _Window(NamedTuple):
    """The word pieces of a part of a sentence; `words` has the word index of each, or `None`."""

    row: int
    pieces: Dict[str, List[int]]
    words: List[Optional[int]]


class TokenClassifier:
    """A network and its tokenizer, which turn words into logits.

    # Parameters

    files : `CheckpointFiles`
    num_labels : `int`
    pooling : `str`
        `first` or `mean`.
    max_length : `int`, optional
        The word pieces of a window.
    overlap : `int`, optional
        The word pieces that neighboring windows share; by default a quarter of a window, at most 64.

    # Raises

    ConfigurationError
        If the weights do not fit, or the tokenizer cannot say which word a piece belongs to.
    """

    def __init__(
        self,
        files: CheckpointFiles,
        num_labels: int,
        pooling: str,
        max_length: Optional[int],
        overlap: Optional[int],
    ) -> None:
        self._where = files.where
        self._pooling = pooling
        self._tokenizer = _open_tokenizer(files)
        self._model = _open_model(files, num_labels)
        limit = min(
            self._tokenizer.model_max_length,
            position_limit(self._model) or UNLIMITED,
            UNLIMITED if max_length is None else max_length,
        )
        self._limit = None if limit >= UNLIMITED else int(limit)
        special = self._tokenizer.num_special_tokens_to_add()
        room = None if self._limit is None else self._limit - special
        if overlap is not None and room is not None and overlap >= room:
            raise ConfigurationError(
                f"overlap must be less than {room}, the number of word pieces in a window of "
                f"{files.where}, found {overlap}"
            )
        self._overlap = min(64, (room or 0) // 4) if overlap is None else overlap

    @property
    def parameters(self) -> int:
        """The number of the network's parameters."""
        return sum(parameter.numel() for parameter in self._model.parameters())

    def to(self, device: torch.device) -> None:
        """Moves the network to a device."""
        self._model.to(device)

    def logits(self, sentences: Sequence[Sequence[str]], device: torch.device) -> Tensor:
        """
        # Parameters

        sentences : `Sequence[Sequence[str]]`
            The words of each.
        device : `torch.device`

        # Returns

        `Tensor`
            Shape `(batch, length, labels)`, float32, on the device; 0 in padding and at words
            without a word piece.
        """
        if next(self._model.parameters()).device != device:
            self.to(device)
        windows = [
            window for row, words in enumerate(sentences) for window in self._cut(row, words)
        ]
        length = max((len(words) for words in sentences), default=0)
        found = torch.zeros(len(sentences), length, self._model.config.num_labels, device=device)
        best: Dict[Tuple[int, int], int] = {}
        for start in range(0, len(windows), BATCH):
            batch = windows[start : start + BATCH]
            for window, logits in zip(batch, self._run(batch, device)):
                for word, places in _places(window.words).items():
                    context = min(places[0], len(window.words) - 1 - places[-1])
                    if context <= best.get((window.row, word), -1):
                        continue
                    best[window.row, word] = context
                    chosen = places if self._pooling == "mean" else places[:1]
                    found[window.row, word] = logits[chosen].mean(dim=0)
        return found

    def _cut(self, row: int, words: Sequence[str]) -> List[_Window]:
        options: Dict[str, Any] = {}
        if self._limit is not None:
            options = {
                "truncation": True,
                "max_length": self._limit,
                "stride": self._overlap,
                "return_overflowing_tokens": True,
            }
        found = self._tokenizer(list(words), is_split_into_words=True, **options)
        names = [name for name in self._tokenizer.model_input_names if name in found]
        if self._limit is None:
            return [_Window(row, {name: found[name] for name in names}, found.word_ids())]
        return [
            _Window(row, {name: found[name][i] for name in names}, found.word_ids(i))
            for i in range(len(found["input_ids"]))
        ]

    def _run(self, windows: Sequence[_Window], device: torch.device) -> Tensor:
        padded = self._tokenizer.pad([window.pieces for window in windows], return_tensors="pt")
        with torch.no_grad():
            output = self._model(**{name: each.to(device) for name, each in padded.items()})
        return output.logits.float()


def _places(words: Sequence[Optional[int]]) -> Dict[int, List[int]]:
    """Returns the word pieces of each word in a window."""
    found: Dict[int, List[int]] = {}
    for place, word in enumerate(words):
        if word is not None:
            found.setdefault(word, []).append(place)
    return found


def _open_tokenizer(files: CheckpointFiles) -> Any:
    from transformers import AutoTokenizer

    def opened(**options: Any) -> Any:
        try:
            with files.cleaned() as folder:
                return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, **options)
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise ConfigurationError(
                f"{files.where}: its tokenizer cannot be opened: {error}"
            ) from error

    tokenizer = opened()
    if not tokenizer.is_fast:
        raise ConfigurationError(
            f"{files.where}: its tokenizer {type(tokenizer).__name__} does not report which word a "
            "word piece belongs to. Save the checkpoint with a fast tokenizer (tokenizer.json)"
        )
    if getattr(tokenizer, "add_prefix_space", True) is False:
        tokenizer = opened(
            add_prefix_space=True
        )  # without it, the tokenizer does not accept lists of words
    return tokenizer


def _open_model(files: CheckpointFiles, num_labels: int) -> Any:
    from transformers import AutoConfig, AutoModelForTokenClassification

    with files.cleaned() as folder:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
    weights = files.weights()
    numbers = sum(weight.numel() for weight in weights.values())
    try:
        check_sizes({CONFIG: files.config}, numbers, files.where)
        with no_larger_than(numbers, files.where):
            model = AutoModelForTokenClassification.from_config(config)
        found = model.load_state_dict(weights, strict=False)
    except (ValueError, KeyError, RuntimeError) as error:
        raise ConfigurationError(f"{files.where}: {error}") from error
    # The class computes buffers; some versions save them, others do not.
    buffers = {name for name, _ in model.named_buffers()}
    missing = [name for name in found.missing_keys if name not in buffers]
    if missing:
        raise ConfigurationError(f"{files.where} lacks the weights {', '.join(missing[:3])}")
    if model.config.num_labels != num_labels:
        raise ConfigurationError(
            f"{files.where} has {num_labels} label names for {model.config.num_labels} labels"
        )
    return model.eval()
