"""Viterbi decoding."""

from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.constraints import Constraints, penalize
from allennlp_kd.structs.chain.folded_chains import Halves
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact
from allennlp_kd.structs.numerics.finite import unordered_row


@exact
def viterbi(
    potentials: ChainPotentials, constraints: Optional[Constraints] = None
) -> Tuple[Tensor, Tensor]:
    """Finds the highest-scoring tag sequence of each sentence, for the whole batch at once.

    Viterbi, "Error bounds for convolutional codes" (1967), from both ends of each sentence to its
    middle at once, so that half as many steps follow each other.

    # Parameters

    potentials : `ChainPotentials`
    constraints : `Constraints`, optional (default = `None`)
        What it forbids scores -10,000 instead, as in AllenNLP's `viterbi_tags`: so where no
        sequence is legal (one word whose every tag may not start) the least illegal one is found.

    # Returns

    `Tuple[Tensor, Tensor]`
        The tags, shape `(batch, length)`, 0 in padding, and their scores, shape `(batch,)`, 0 for
        an empty sentence. Where all sequences score -inf the score is -inf and the tags mean
        nothing.

    # Raises

    ValueError
        If the best score is NaN or infinity; the message names the sentence.
    """
    if constraints is not None:
        potentials = penalize(potentials, constraints)
    potentials = in_full_precision(potentials)
    tags = torch.zeros_like(potentials.mask, dtype=torch.long)
    scores = potentials.emissions.new_zeros(potentials.batch_size)
    # Results that outlive this call are created outside inference mode, so that autograd can use
    # them.
    if bool(potentials.mask.any()):
        with torch.inference_mode():
            _decode(Halves(potentials), tags, scores)
            refuse_unordered(scores)
    return tags, scores


def refuse_unordered(scores: Tensor) -> None:
    """
    # Parameters

    scores : `Tensor`
        Shape `(batch,)`, of the best sequences. A maximum passes on NaN and infinity.

    # Raises

    ValueError
        If a score is NaN or infinity; the message names the sentence.
    """
    row = unordered_row(scores)
    if row is not None:
        raise ValueError(
            f"row {row} has scores that are NaN or infinity, so it has no best tag sequence"
        )


def _decode(halves: Halves, tags: Tensor, scores: Tensor) -> None:
    """Fills `tags`, shape `(batch, length)`, and `scores`, shape `(batch,)`."""
    ends, origins = _walk_inwards(halves)
    # For each last tag of the right half, the best left half that ends in the same word.
    best, left = (ends[:, 0].unsqueeze(2) + halves.moves[0]).max(dim=1)
    best = torch.where(halves.shared, ends[:, 0], best)
    best, right = (best + ends[:, 1]).max(dim=1, keepdim=True)
    left = torch.where(halves.shared, right, left.gather(1, right))
    meeting = torch.stack([left, right], dim=1)
    tags.view(-1).index_copy_(0, halves.cells, _walk_back(origins, meeting).flatten())
    scores.index_copy_(0, halves.rows, best.squeeze(1))


def _walk_inwards(halves: Halves) -> Tuple[Tensor, List[Tensor]]:
    """Computes the best scores of the halves for each of their last tags, and the back-pointers.

    # Returns

    `Tuple[Tensor, List[Tensor]]`
        The scores, shape `(S, 2, tags)`, and by position but the first, for each tag, the tag
        before that leads to it, shape `(sentences that run, 2, tags)`.
    """
    scores = halves.words[0]
    ended, origins = [], []
    # One buffer for all steps: with many tags, each step would otherwise wait for new memory pages.
    pairs = scores.new_empty((*scores.shape, scores.shape[2]))
    for words in halves.words[1:]:
        running = words.shape[0]
        if running < scores.shape[0]:
            ended.append(scores[running:])
            scores, pairs = scores[:running], pairs[:running]
        best, origin = torch.add(scores.unsqueeze(3), halves.moves, out=pairs).max(dim=2)
        scores = best.add_(words)
        origins.append(origin)
    ended.append(scores)
    return torch.cat(ended[::-1]), origins


def _walk_back(origins: List[Tensor], meeting: Tensor) -> Tensor:
    """Follows the back-pointers: returns the tags of all words, `(N, 2, 1)`, from those of the
    last, `(S, 2, 1)`.
    """
    sizes = [origin.shape[0] for origin in origins]
    tags = meeting[: sizes[-1]] if sizes else meeting
    path = [tags]
    for origin, before in zip(origins[::-1], sizes[-2::-1] + [meeting.shape[0]]):
        running = tags.shape[0]
        tags = origin.gather(2, tags)
        if before > running:
            tags = torch.cat([tags, meeting[running:before]])
        path.append(tags)
    return torch.cat(path[::-1])
