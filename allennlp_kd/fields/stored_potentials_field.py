"""A field with a sentence's potentials from a store."""

from typing import Any, Dict, List

import numpy
import torch
from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides

MADE_BY = "made by"
"""Key of a batch's arrays: the fingerprints of the teachers that the scores come from."""


class StoredPotentialsField(Field[Any]):
    """Carries arrays whose axes either follow the words or are the same for all sentences.

    A batch is a dictionary: each array by name, padded with zeros, shape `(sentences, ...)`;
    `words`, a long tensor of shape `(sentences,)`; and `MADE_BY`, a list of strings.

    # Parameters

    arrays : `Dict[str, numpy.ndarray]`
        The first of shape `(words, ...)`.
    made_by : `str`
        The fingerprint of the teacher.
    """

    __slots__ = ["arrays", "made_by"]

    def __init__(self, arrays: Dict[str, numpy.ndarray], made_by: str) -> None:
        self.arrays = arrays
        self.made_by = made_by

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
    def as_tensor(self, padding_lengths: Dict[str, int]) -> "StoredPotentialsField":
        return self

    @overrides
    def empty_field(self) -> "StoredPotentialsField":
        arrays = {name: array[:0] for name, array in self.arrays.items()}
        return StoredPotentialsField(arrays, self.made_by)

    @overrides
    def batch_tensors(self, tensor_list: List["StoredPotentialsField"]) -> Any:  # type: ignore
        words = torch.tensor([len(each) for each in tensor_list], dtype=torch.long)
        batch = {"words": words, MADE_BY: sorted({each.made_by for each in tensor_list})}
        for name in self.arrays:
            shapes = [each.arrays[name].shape for each in tensor_list]
            widest = tuple(max(sizes) for sizes in zip(*shapes))
            padded = numpy.zeros((len(words), *widest), dtype=numpy.float32)
            for row, (each, shape) in enumerate(zip(tensor_list, shapes)):
                padded[(row, *map(slice, shape))] = each.arrays[name]
            batch[name] = torch.from_numpy(padded)
        return batch

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))
