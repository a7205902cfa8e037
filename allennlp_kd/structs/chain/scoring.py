"""The score and the negative log-likelihood of given tags."""
import torch
from torch import Tensor

from allennlp_kd.structs.chain.partition import in_full_precision, log_partition
from allennlp_kd.structs.chain.potentials import ChainPotentials


def score(potentials: ChainPotentials, tags: Tensor) -> Tensor:
    """The score of one tag sequence of each sentence.

    # Parameters

    potentials : `ChainPotentials`
    tags : `Tensor`
        Shape `(batch, length)`, integers below the number of tags. Padded cells may hold anything.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence.

    # Raises

    ValueError
        If `tags` has another shape than the mask, is not of whole numbers, or holds no tag at a word.
    """
    potentials = in_full_precision(potentials)
    mask, num_tags = potentials.mask, potentials.num_tags
    _check_tags(tags, potentials)
    tags = tags.long().masked_fill(~mask, 0)
    if mask.shape[1] == 0:
        return potentials.emissions.new_zeros(potentials.batch_size)
    # (batch, length)
    nodes = potentials.emissions.gather(2, tags.unsqueeze(2)).squeeze(2).masked_fill(~mask, 0.0)
    # (batch, length - 1), looked up in the flattened table: the gradient of that is much cheaper.
    pairs = tags[:, :-1] * num_tags + tags[:, 1:]
    moves = _look_up(potentials.transitions.reshape(-1), pairs).masked_fill(~mask[:, 1:], 0.0)
    last = tags.gather(1, (potentials.lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    ends = _look_up(potentials.start, tags[:, 0]) + _look_up(potentials.end, last)
    return nodes.sum(dim=1) + moves.sum(dim=1) + ends.masked_fill(~mask[:, 0], 0.0)


def nll(potentials: ChainPotentials, tags: Tensor) -> Tensor:
    """The negative log-likelihood of one tag sequence of each sentence: log Z - score.

    # Parameters

    potentials : `ChainPotentials`
    tags : `Tensor`
        Shape `(batch, length)`, as for `score`.

    # Returns

    `Tensor`
        Shape `(batch,)`; 0 for an empty sentence, inf where the sequence is forbidden.

    # Raises

    ValueError
        As `score`.
    """
    found = score(potentials, tags)
    # Where every sequence is forbidden the difference would be -inf - -inf.
    partition = log_partition(potentials)
    partition = partition.masked_fill(partition.detach() == -float("inf"), 0.0)
    return partition - found


def _look_up(table: Tensor, index: Tensor) -> Tensor:
    return table.gather(0, index.reshape(-1)).view(index.shape)


def _check_tags(tags: Tensor, potentials: ChainPotentials) -> None:
    expected = tuple(potentials.mask.shape)
    if tuple(tags.shape) != expected:
        raise ValueError(f"tags must have the shape {expected} of the mask, found {tuple(tags.shape)}")
    if tags.is_floating_point() or tags.dtype == torch.bool:
        raise ValueError(f"tags must be whole numbers, found {tags.dtype}")
    wrong = potentials.mask & ((tags < 0) | (tags >= potentials.num_tags))
    if bool(wrong.any()):
        row, position = wrong.nonzero()[0].tolist()
        raise ValueError(
            f"tags must be in [0, {potentials.num_tags}), "
            f"found {int(tags[row, position])} at word {position} of row {row}"
        )
