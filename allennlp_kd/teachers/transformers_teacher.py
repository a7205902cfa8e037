"""A live teacher: scores sentences with a token-classification checkpoint of `transformers`."""

import hashlib
import json
from typing import Any, Dict, List, NamedTuple, Optional

import torch
from allennlp.common.checks import ConfigurationError
from overrides import overrides
from torch import Tensor

from allennlp_kd.fields.sentence import Sentence
from allennlp_kd.structs.chain import ChainPotentials
from allennlp_kd.teachers.checkpoint_files import CheckpointFiles
from allennlp_kd.teachers.sentence_teacher import SentenceTeacher
from allennlp_kd.teachers.teacher import Teacher
from allennlp_kd.teachers.token_classifier import POOLINGS, TokenClassifier

# In a run, the reader and the model may name the same checkpoint.
_opened: Dict[Any, TokenClassifier] = {}


class _Key(NamedTuple):
    """Identifies an opened checkpoint."""

    fingerprint: str
    pooling: str
    max_length: Optional[int]
    overlap: Optional[int]


@Teacher.register("transformers")
class TransformersTeacher(SentenceTeacher):
    """Teaches with a token-classification checkpoint of Hugging Face `transformers`.

    Its scores are a chain without transitions: the logits at the first word piece of each word, or
    the mean over its word pieces. Labels are those of `id2label`, by name. A sentence that is too
    long for the network is scored in overlapping windows; each word gets its scores from the window
    in which it has the most context. A word that the tokenizer splits into no pieces has scores of
    0.

    Weights are read from `safetensors` files, and no code of the checkpoint is run.

    # Parameters

    model_name : `str`
        The folder of a checkpoint, or its name on the Hugging Face Hub, from which it is downloaded
        unless it is cached.
    revision : `str`, optional
        The branch, tag or commit on the Hugging Face Hub.
    pooling : `str`, optional (default = `"first"`)
        `first` or `mean`: whether a word's scores are those of its first word piece, or the mean
        over its pieces.
    label_names : `List[str]`, optional
        The labels in order, for a checkpoint whose labels are named `LABEL_0` and so on.
    max_length : `int`, optional
        The number of word pieces in a window, including special ones. The default is the network's
        maximum.
    overlap : `int`, optional
        The number of word pieces that two windows of a long sentence share. The default is a
        quarter of a window, at most 64.
    trust : `bool`, optional (default = `False`)
        Whether weights may be read from `pytorch_model.bin` if there is no `safetensors` file. Only
        tensors are read; no code is run.
    cuda_device : `int`, optional
        Where to score for a store, `-1` for the CPU. By default the current GPU, where there is
        one.

    # Raises

    ConfigurationError
        When opened: if the checkpoint is missing, incomplete or no token classifier, has a tokenizer
        without word ids, brings code of its own, or its labels have no names.
    """

    def __init__(
        self,
        model_name: str,
        revision: Optional[str] = None,
        pooling: str = "first",
        label_names: Optional[List[str]] = None,
        max_length: Optional[int] = None,
        overlap: Optional[int] = None,
        trust: bool = False,
        cuda_device: Optional[int] = None,
    ) -> None:
        super().__init__(cuda_device)
        if pooling not in POOLINGS:
            raise ConfigurationError(
                f"pooling must be one of {', '.join(POOLINGS)}, found '{pooling}'"
            )
        if overlap is not None and overlap < 0:
            raise ConfigurationError(f"overlap must be at least 0, found {overlap}")
        self.model_name = str(model_name)
        self._revision = revision
        self._pooling = pooling
        self._label_names = label_names
        self._max_length = max_length
        self._overlap = overlap
        self._trust = trust
        self._found_files: Optional[CheckpointFiles] = None

    structure = "chain"

    @property
    @overrides
    def name(self) -> str:
        return self.model_name

    @property
    @overrides
    def labels(self) -> List[str]:
        return self._files().labels(self._label_names)

    @property
    @overrides
    def fingerprint(self) -> str:
        options = {
            "files": self._files().digest(),
            "pooling": self._pooling,
            "labels": self._label_names,
            "max_length": self._max_length,
            "overlap": self._overlap,
        }
        content = json.dumps(options, sort_keys=True).encode()
        return hashlib.blake2b(content, digest_size=16).hexdigest()

    @overrides
    def score_on(self, sentences: List[Sentence], device: torch.device) -> ChainPotentials:
        lengths = torch.tensor([len(sentence.words) for sentence in sentences])
        emissions = self._open().logits([sentence.words for sentence in sentences], device)
        # Shape: (batch, length)
        mask = torch.arange(emissions.shape[1]) < lengths.unsqueeze(1)
        return ChainPotentials(emissions, mask.to(device), **self.shared(device))

    @property
    @overrides
    def parameters(self) -> int:
        return self._open().parameters

    @property
    @overrides
    def size(self) -> int:
        return sum(path.stat().st_size for path in self._files().weight_files())

    @overrides
    def rest(self) -> None:
        self._open().to(torch.device("cpu"))

    @overrides
    def shared(self, device: Any) -> Dict[str, Tensor]:
        tags = len(self.labels)
        return {
            "transitions": torch.zeros(tags, tags, device=device),
            "start": torch.zeros(tags, device=device),
            "end": torch.zeros(tags, device=device),
        }

    def _files(self) -> CheckpointFiles:
        if self._found_files is None:
            self._found_files = CheckpointFiles.find(self.model_name, self._revision, self._trust)
        return self._found_files

    def _open(self) -> TokenClassifier:
        key = _Key(self.fingerprint, self._pooling, self._max_length, self._overlap)
        if key not in _opened:
            _opened[key] = TokenClassifier(
                self._files(), len(self.labels), self._pooling, self._max_length, self._overlap
            )
        return _opened[key]
