"""k-best Viterbi decoding."""

from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.constraints import Constraints, penalize
from allennlp_kd.structs.chain.decoding import refuse_unordered
from allennlp_kd.structs.chain.forward_backward.layout import Layout
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision
from allennlp_kd.structs.numerics.execution import exact


@exact
def k_best(
    potentials: ChainPotentials, k: int, constraints: Optional[Constraints] = None
) -> Tuple[Tensor, Tensor]:
    """Finds the k highest-scoring tag sequences of each sentence, best first, for the whole batch
    at once.

    Forward, the best score of each prefix (Viterbi). Backward, from the last word, a beam of the k
    suffixes that the best whole sequences end in: what precedes a suffix is known exactly, so the
    beam loses nothing. (Of the j-th best sequence's suffix at least j - 1 others must score more to
    drop it, each with a whole sequence better than that.) So a step ranks k * tags candidates for
    each sentence, where keeping k sequences for each tag would rank k * tags for each tag.

    # Parameters

    potentials : `ChainPotentials`
    k : `int`
        At least 1.
    constraints : `Constraints`, optional (default = `None`)
        As for `viterbi`: what it forbids scores -10,000.

    # Returns

    `Tuple[Tensor, Tensor]`
        The tags, shape `(batch, k, length)`, and their scores, shape `(batch, k)`. Padding has the
        tag 0; where a sentence has fewer than k sequences that are not forbidden, the others have
        tags 0 and the score -inf. An empty sentence has one sequence, of score 0.

    # Raises

    ValueError
        If `k` is less than 1, or the best score is NaN or infinity; the message names the sentence.
    """
    if k < 1:
        raise ValueError(f"k must be at least 1, found {k}")
    if constraints is not None:
        potentials = penalize(potentials, constraints)
    potentials = in_full_precision(potentials)
    batch, length = potentials.mask.shape
    tags = torch.zeros((batch * length, k), dtype=torch.long, device=potentials.mask.device)
    scores = potentials.emissions.new_full((batch, k), -float("inf"))
    scores[:, 0].masked_fill_(potentials.lengths == 0, 0.0)
    # Results that outlive this call are created outside inference mode, so that autograd can use
    # them.
    if bool(potentials.mask.any()):
        with torch.inference_mode():
            layout = Layout(potentials.lengths, length)
            best, path = _beam(potentials, layout, k)
            scores.index_copy_(0, layout.chains, best)
            refuse_unordered(scores[:, 0])
            impossible = (best == -float("inf")).index_select(0, layout.ranks)
            tags.index_copy_(0, layout.cells, path.masked_fill(impossible, 0))
    return tags.view(batch, length, k).transpose(1, 2), scores


def _beam(potentials: ChainPotentials, layout: Layout, k: int) -> Tuple[Tensor, Tensor]:
    """Returns the k best scores, shape `(S, k)`, and their tags, shape `(N, k)`."""
    words = layout.fold(potentials.emissions, potentials.start, potentials.end)
    steps = words.split(layout.sizes)
    # (tags, tags), [to, from]
    turned = potentials.transitions.t().contiguous()
    prefixes = _best_prefixes(steps, turned)
    num_tags = words.shape[1]
    # A sentence starts with one suffix, the empty one, which any tag may precede.
    fresh = words.new_full((1, k, num_tags), -float("inf"))
    fresh[:, 0] = 0.0
    # (sentences at this position, k, tags): the score of a suffix with the transition from each
    # tag.
    moved = words.new_empty((0, k, num_tags))
    tags: List[Tensor] = []
    parents: List[Tensor] = []
    for prefix, step in zip(prefixes[::-1], steps[::-1]):
        begun = step.shape[0] - moved.shape[0]
        if begun:
            moved = torch.cat([moved, fresh.expand(begun, -1, -1)])
        # (sentences at this position, k)
        whole, best = (moved + prefix.unsqueeze(1)).flatten(1).topk(k, dim=1)
        tag = best % num_tags
        tags.append(tag)
        parents.append(torch.div(best, num_tags, rounding_mode="floor"))
        suffixes = moved.flatten(1).gather(1, best) + step.gather(1, tag)
        moved = turned.index_select(0, tag.flatten()).view_as(moved) + suffixes.unsqueeze(2)
    return whole, _follow(tags[::-1], parents[::-1])


def _best_prefixes(steps: Tuple[Tensor, ...], turned: Tensor) -> List[Tensor]:
    """Returns, by position, the best score of a prefix that ends in each tag of the word."""
    prefixes = [steps[0]]
    for step in steps[1:]:
        before = prefixes[-1][: step.shape[0]]
        prefixes.append((before.unsqueeze(1) + turned).amax(dim=2).add_(step))
    return prefixes


def _follow(tags: List[Tensor], parents: List[Tensor]) -> Tensor:
    """Follows the back-pointers of the final beam: returns tags of shape `(N, k)`.

    # Parameters

    tags, parents : `List[Tensor]`
        By position, shape `(sentences that run, k)`: the tag that each suffix of the beam begins
        with, and which suffix of the position after it follows.
    """
    path = [tags[0]]
    suffix = parents[0]
    for tag, parent in zip(tags[1:], parents[1:]):
        suffix = suffix[: tag.shape[0]]
        path.append(tag.gather(1, suffix))
        suffix = parent.gather(1, suffix)
    return torch.cat(path)
