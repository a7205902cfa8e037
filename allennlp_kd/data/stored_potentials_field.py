"""A sentence's potentials as a store holds them."""

from typing import Any, Dict, List

import numpy
import torch
from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides


class StoredPotentialsField(Field[Any]):
    """Carries arrays of which the first axis follows the words.

    A batch is a dictionary: each array by name, padded with zeros, shape `(sentences, words, ...)`,
    and `words`, a long tensor of shape `(sentences,)`.

    # Parameters

    arrays : `Dict[str, numpy.ndarray]`
        Each of shape `(words, ...)`.
    """

    __slots__ = ["arrays"]

    def __init__(self, arrays: Dict[str, numpy.ndarray]) -> None:
        self.arrays = arrays

    @overrides
    def index(self, vocab: Vocabulary) -> None:
        pass

    @overrides
    def human_readable_repr(self) -> Any:
        return {name: list(array.shape) for name, array in self.arrays.items()}

    @overrides
    def get_padding_lengths(self) -> Dict[str, int]:
        return {}

    @overrides
    def as_tensor(self, padding_lengths: Dict[str, int]) -> Dict[str, numpy.ndarray]:
        return self.arrays

    @overrides
    def empty_field(self) -> "StoredPotentialsField":
        return StoredPotentialsField({name: array[:0] for name, array in self.arrays.items()})

    @overrides
    def batch_tensors(self, tensor_list: List[Dict[str, numpy.ndarray]]) -> Any:  # type: ignore
        words = [len(next(iter(arrays.values()))) for arrays in tensor_list]
        batch: Dict[str, torch.Tensor] = {"words": torch.tensor(words, dtype=torch.long)}
        for name, first in tensor_list[0].items():
            padded = numpy.zeros((len(words), max(words), *first.shape[1:]), dtype=numpy.float32)
            for row, arrays in enumerate(tensor_list):
                padded[row, : words[row]] = arrays[name]
            batch[name] = torch.from_numpy(padded)
        return batch

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))
