"""Transition constraints of span encodings (BIO, BIOUL, IOB1, BMES)."""

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, NamedTuple, Sequence

import torch
from torch import Tensor

from allennlp_kd.structs.chain.potentials import ChainPotentials

FORBIDDEN_SCORE = -10000.0
"""The score that AllenNLP's `viterbi_tags` gives to a forbidden transition."""


@dataclass(frozen=True)
class Constraints:
    """The starts, transitions and ends that an encoding allows.

    # Parameters

    transitions : `Tensor`
        Shape `(tags, tags)`, boolean, indexed `[from, to]`.
    start, end : `Tensor`
        Shape `(tags,)`, boolean: which tags may be first and last.

    # Raises

    ValueError
        If a shape or type is not as above.
    """

    transitions: Tensor
    start: Tensor
    end: Tensor

    def __post_init__(self) -> None:
        tags = self.transitions.shape[0] if self.transitions.dim() else 0
        for name, shape in (("transitions", (tags, tags)), ("start", (tags,)), ("end", (tags,))):
            value = getattr(self, name)
            if value.dtype != torch.bool or tuple(value.shape) != shape:
                raise ValueError(
                    f"{name} must be boolean of shape {shape}, "
                    f"found {value.dtype} of shape {tuple(value.shape)}"
                )


class _Encoding(NamedTuple):
    """An encoding as the prefixes that may follow a prefix, and that may start or end a sequence."""

    free: Dict[str, str]
    within: Dict[str, str]
    start: str
    end: str
    always: str = ""


# A tag with an unknown prefix follows nothing, and only `always` may follow it.
_ENCODINGS = {
    "BIO": _Encoding(free={}, within={"B": "I", "I": "I"}, start="OB", end="OBI", always="OB"),
    "IOB1": _Encoding(free={}, within={"B": "B", "I": "B"}, start="OI", end="OBI", always="OI"),
    "BIOUL": _Encoding(
        free={"O": "OBU", "L": "OBU", "U": "OBU"},
        within={"B": "IL", "I": "IL"},
        start="OBU",
        end="OLU",
    ),
    "BMES": _Encoding(
        free={"E": "BS", "S": "BS"}, within={"B": "ME", "M": "ME"}, start="BS", end="ES"
    ),
}

ENCODINGS: FrozenSet[str] = frozenset(_ENCODINGS)


def constraints_for(encoding: str, labels: Sequence[str]) -> Constraints:
    """Returns the transitions that an encoding allows, the same as AllenNLP's
    `allowed_transitions`.

    The first letter of a label is its prefix and what follows its type, so `B-PER` may be followed
    by `I-PER` in BIO but not by `I-LOC`.

    # Parameters

    encoding : `str`
        One of "BIO", "BIOUL", "IOB1" and "BMES".
    labels : `Sequence[str]`
        In the order of their indices.

    # Returns

    `Constraints`

    # Raises

    ValueError
        If the encoding is unknown or a label is empty.
    """
    if encoding not in _ENCODINGS:
        raise ValueError(f"encoding must be one of {sorted(_ENCODINGS)}, found {encoding!r}")
    if "" in labels:
        raise ValueError(f"a label must not be empty, found one at index {list(labels).index('')}")
    rules = _ENCODINGS[encoding]

    def allowed(before: str, after: str) -> bool:
        if after[0] in rules.always + rules.free.get(before[0], ""):
            return True
        return after[0] in rules.within.get(before[0], "") and before[1:] == after[1:]

    return Constraints(
        transitions=torch.tensor(
            [[allowed(before, after) for after in labels] for before in labels], dtype=torch.bool
        ).view(len(labels), len(labels)),
        start=torch.tensor([label[0] in rules.start for label in labels], dtype=torch.bool),
        end=torch.tensor([label[0] in rules.end for label in labels], dtype=torch.bool),
    )


def constrain(potentials: ChainPotentials, constraints: Constraints) -> ChainPotentials:
    """Sets forbidden transitions to -inf, so that they have no probability.

    Decoding takes `constraints` as a parameter of its own. AllenNLP's CRF never constrains the
    likelihood.

    # Raises

    ValueError
        If the constraints are for another number of tags.
    """
    return _replace_forbidden(potentials, constraints, -float("inf"))


def penalize(potentials: ChainPotentials, constraints: Constraints) -> ChainPotentials:
    """Adds -10,000 to forbidden transitions, as AllenNLP's `viterbi_tags` does.

    There a sentence starts and ends in tags of their own, and at those places every other tag
    scores -10,000 rather than -inf. So a first tag may also follow any tag at that price, and a
    last one lead to any tag. It shows where no sequence is legal, in the score and sometimes in the
    choice.

    # Raises

    ValueError
        If the constraints are for another number of tags.
    """
    found = _replace_forbidden(potentials, constraints, FORBIDDEN_SCORE)
    return replace(
        found,
        start=torch.maximum(found.start, found.transitions.amax(dim=0) + FORBIDDEN_SCORE),
        end=torch.maximum(found.end, found.transitions.amax(dim=1) + FORBIDDEN_SCORE),
    )


def _replace_forbidden(
    potentials: ChainPotentials, constraints: Constraints, value: float
) -> ChainPotentials:
    tags = constraints.start.shape[0]
    if tags != potentials.num_tags:
        raise ValueError(
            f"constraints must be for the {potentials.num_tags} tags of the potentials, "
            f"found {tags}"
        )
    device = potentials.emissions.device
    return replace(
        potentials,
        transitions=potentials.transitions.masked_fill(~constraints.transitions.to(device), value),
        start=potentials.start.masked_fill(~constraints.start.to(device), value),
        end=potentials.end.masked_fill(~constraints.end.to(device), value),
    )
