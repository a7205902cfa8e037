"""A chain's node scores with start and end scores added."""

import torch
from torch import Tensor

from allennlp_kd.structs.chain import ChainPotentials


def folded_nodes(potentials: ChainPotentials, ends: bool = True) -> Tensor:
    """Adds start and end scores to the emissions, 0 in padded cells; shape `(batch, length, tags)`."""
    mask = potentials.mask
    nodes = potentials.emissions.masked_fill(~mask.unsqueeze(-1), 0.0)
    if not ends:
        return nodes
    first = torch.zeros_like(mask)
    first[:, :1] = mask[:, :1]
    last = mask & ~torch.nn.functional.pad(mask[:, 1:], (0, 1))
    zero = potentials.start.new_zeros(())
    nodes = nodes + torch.where(first.unsqueeze(-1), potentials.start, zero)
    return nodes + torch.where(last.unsqueeze(-1), potentials.end, zero)


def check_tags_exist(nodes: Tensor, mask: Tensor) -> None:
    """
    # Parameters

    nodes : `Tensor`
        Shape `(batch, length, tags)`, scores or log probabilities of the teacher.
    mask : `Tensor`
        Shape `(batch, length)`.

    # Raises

    ValueError
        If all tags of a word are forbidden.
    """
    impossible = torch.isneginf(nodes).all(-1) & mask
    if bool(impossible.any()):
        row, word = impossible.nonzero()[0].tolist()
        raise ValueError(
            f"the teacher forbids all tags of word {word + 1} of sentence {row} of the batch"
        )
