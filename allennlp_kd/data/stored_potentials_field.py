"""A sentence's potentials as a store holds them."""

from typing import Any, Dict, List

import numpy
import torch
from allennlp.data import Vocabulary
from allennlp.data.fields.field import Field
from overrides import overrides


class StoredPotentialsField(Field[Any]):
    """Carries arrays of which the axes follow the words, or are the same for all sentences.

    A batch is a dictionary: each array by name, padded with zeros, shape `(sentences, ...)`;
    `words`, a long tensor of shape `(sentences,)`; and `scored_by`, that of the first sentence.

    # Parameters

    arrays : `Dict[str, numpy.ndarray]`
        The first of shape `(words, ...)`.
    scored_by : `str`, optional
        The fingerprint of the teacher whose scores they are.
    """

    __slots__ = ["arrays", "scored_by"]

    def __init__(self, arrays: Dict[str, numpy.ndarray], scored_by: str = "") -> None:
        self.arrays = arrays
        self.scored_by = scored_by

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
        arrays = {name: array[:0] for name, array in self.arrays.items()}
        return StoredPotentialsField(arrays, self.scored_by)

    @overrides
    def batch_tensors(self, tensor_list: List[Dict[str, numpy.ndarray]]) -> Any:  # type: ignore
        words = [len(next(iter(arrays.values()))) for arrays in tensor_list]
        batch: Dict[str, Any] = {
            "words": torch.tensor(words, dtype=torch.long),
            "scored_by": self.scored_by,
        }
        for name in tensor_list[0]:
            shapes = [arrays[name].shape for arrays in tensor_list]
            widest = tuple(max(sizes) for sizes in zip(*shapes))
            padded = numpy.zeros((len(words), *widest), dtype=numpy.float32)
            for row, (arrays, shape) in enumerate(zip(tensor_list, shapes)):
                padded[(row, *map(slice, shape))] = arrays[name]
            batch[name] = torch.from_numpy(padded)
        return batch

    def __len__(self) -> int:
        return len(next(iter(self.arrays.values())))
