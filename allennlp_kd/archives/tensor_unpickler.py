"""A pickle of tensors, read without calling anything that it names."""

import pickle
from typing import Any, BinaryIO, Dict, List, NamedTuple, Tuple

ITEM_SIZES = {
    "DoubleStorage": 8, "FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8,
    "IntStorage": 4, "ShortStorage": 2, "CharStorage": 1, "ByteStorage": 1, "BoolStorage": 1,
}  # fmt: skip
"""Bytes of a number, by the types of storage that weights have."""

REBUILD = tuple(f"_rebuild_{name}" for name in ("tensor", "tensor_v2", "parameter"))
ALLOWED = {("collections", "OrderedDict"), ("torch", "Size")}
ALLOWED |= {("torch._utils", name) for name in REBUILD}
ALLOWED |= {("torch", name) for name in ITEM_SIZES}
"""All that the pickle of a state dict names."""


class TensorUnpickler(pickle._Unpickler):  # type: ignore[name-defined,misc]
    """Knows the few names that tensors are made of.

    It is Python's own implementation of pickle, whose memo does not grow with a number in the file, as
    that of the faster one does.
    """

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a tensor")
        return super().find_class(module, name)


class Storage(NamedTuple):
    """What a pickle says of one storage of numbers."""

    key: str
    numbers: int
    item_size: int


class TensorOutlines(TensorUnpickler):
    """Reads what tensors and storages there are to be; makes none.

    # Parameters

    file : `BinaryIO`
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: Dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if module == "torch._utils":
            return self._same if name == "_rebuild_parameter" else self._outline
        if module == "torch":
            return tuple if name == "Size" else name
        return found

    def persistent_load(self, saved_id: Any) -> Storage:
        kind, storage_type, key, _, numbers = saved_id
        if kind != "storage" or storage_type not in ITEM_SIZES or not _is_count(numbers):
            raise pickle.UnpicklingError(f"{saved_id!r} is no storage")
        storage = Storage(str(key), numbers, ITEM_SIZES[storage_type])
        if self.storages.setdefault(storage.key, storage) != storage:
            raise pickle.UnpicklingError(f"the storage {key!r} is there with two sizes")
        return storage

    @staticmethod
    def _same(data: Any, *rest: Any) -> Any:
        return data

    @staticmethod
    def _outline(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tuple[int, ...]:
        """The shape of a tensor; it must lie in its storage, and be no larger."""
        numbers = 1
        last: List[int] = []
        for count, step in zip(size, stride):
            if not _is_count(count) or not _is_count(step):
                raise pickle.UnpicklingError(
                    f"a tensor has the shape {size!r} and the strides {stride!r}"
                )
            numbers *= count
            last.append((count - 1) * step)
        fits = isinstance(storage, Storage) and _is_count(offset) and len(size) == len(stride)
        if (
            not fits
            or numbers
            and (offset + sum(last) >= storage.numbers or numbers > storage.numbers)
        ):
            raise pickle.UnpicklingError(
                f"a tensor of shape {tuple(size)!r} does not fit {storage!r} at {offset!r}"
            )
        return tuple(size)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
