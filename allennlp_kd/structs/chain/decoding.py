"""The best tag sequence of each sentence."""
from typing import List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.constraints import Constraints, penalise
from allennlp_kd.structs.chain.halves import Halves
from allennlp_kd.structs.chain.log_partition import in_full_precision
from allennlp_kd.structs.chain.potentials import ChainPotentials


@torch.no_grad()
def viterbi(
    potentials: ChainPotentials, constraints: Optional[Constraints] = None
) -> Tuple[Tensor, Tensor]:
    """The tag sequence of the highest score, of all sentences at once.

    Viterbi, "Error bounds for convolutional codes" (1967), from both ends of each sentence to its middle at
    once, so that half as many steps follow each other. Only the best scores are kept; on the way back the
    best neighbour is found anew for the one tag that the path takes, which spares all the others.

    # Parameters

    potentials : `ChainPotentials`
    constraints : `Constraints`, optional (default = `None`)
        What it forbids scores -10,000 instead, as in AllenNLP's `viterbi_tags`: so where no sequence is
        legal (one word whose every tag may not start) the least illegal one is found.

    # Returns

    `Tuple[Tensor, Tensor]`
        The tags, shape `(batch, length)`, 0 in padding, and their scores, shape `(batch,)`, 0 for an empty
        sentence. Where all sequences score -inf the score is -inf and the tags mean nothing.
    """
    if constraints is not None:
        potentials = penalise(potentials, constraints)
    potentials = in_full_precision(potentials)
    batch, length, num_tags = potentials.emissions.shape
    tags = torch.zeros(batch * length, dtype=torch.long, device=potentials.emissions.device)
    halves = Halves(potentials)
    if not halves.sizes:
        return tags.view(batch, length), potentials.emissions.new_zeros(batch)
    prefixes = best_prefixes(halves.words.split(halves.sizes), halves.moves)
    # (2 * batch, tags)
    ends = halves.spread(torch.cat(prefixes).index_select(0, halves.last))
    # (batch, tags, tags): the best score for each pair of tags that meet in the middle, [left, right].
    pairs = ends[:batch].unsqueeze(2) + (potentials.transitions + ends[batch:].unsqueeze(1))
    # One word alone has nothing to its right.
    alone = (potentials.lengths == 1).view(-1, 1, 1)
    scores, pair = torch.where(alone, ends[:batch].unsqueeze(2), pairs).flatten(1).max(dim=1)
    left = torch.div(pair, num_tags, rounding_mode="floor")
    inner = torch.cat([left, pair - left * num_tags])[halves.rows[: halves.num_sentences]]
    path = _trace(prefixes, halves.moves, inner)
    tags = tags.index_copy(0, halves.cells, path)
    return tags.view(batch, length), scores.masked_fill(potentials.lengths == 0, 0.0)


def best_prefixes(steps: Sequence[Tensor], moves: Tensor) -> List[Tensor]:
    """The best score of a sequence up to and including each word, for each tag of that word.

    # Parameters

    steps : `Sequence[Tensor]`
        By position, the words' scores, shape `(chains that run, tags)`, in a layout's order.
    moves : `Tensor`
        Shape `(chains, tags, tags)`, the transitions `[to, from]`.

    # Returns

    `List[Tensor]`
        By position, of the shapes of `steps`.
    """
    prefix = steps[0]
    prefixes = [prefix]
    for step in steps[1:]:
        running = step.shape[0]
        if running < prefix.shape[0]:
            prefix, moves = prefix[:running], moves[:running]
        prefix = (prefix.unsqueeze(1) + moves).amax(dim=2).add_(step)
        prefixes.append(prefix)
    return prefixes


def _trace(prefixes: List[Tensor], moves: Tensor, inner: Tensor) -> Tensor:
    """The tags on the best path to the tag `inner`, shape `(chains,)`, of each chain's last word.

    # Returns

    `Tensor`
        Shape `(N,)`.
    """
    chains, num_tags = moves.shape[:2]
    flat_moves = moves.reshape(-1, num_tags)
    firsts = torch.arange(chains, device=moves.device) * num_tags
    tags = inner[: prefixes[-1].shape[0]]
    path = [tags]
    for prefix in prefixes[-2::-1]:
        running, before = tags.shape[0], prefix.shape[0]
        best = flat_moves.index_select(0, firsts[:running] + tags)
        tags = best.add_(prefix[:running]).argmax(dim=1)
        if before > running:
            tags = torch.cat([tags, inner[running:before]])
        path.append(tags)
    return torch.cat(path[::-1])
