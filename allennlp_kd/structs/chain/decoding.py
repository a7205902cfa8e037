"""The best tag sequence of each sentence."""
from typing import List, Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.chain.constraints import Constraints, penalise
from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.log_partition import in_full_precision
from allennlp_kd.structs.chain.potentials import ChainPotentials


@torch.no_grad()
def viterbi(
    potentials: ChainPotentials, constraints: Optional[Constraints] = None
) -> Tuple[Tensor, Tensor]:
    """The tag sequence of the highest score, of all sentences at once.

    Viterbi (1967). Only the best scores of the prefixes are kept; on the way back the best predecessor is
    found anew for the one tag that the path takes, which spares all the others.

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
    layout = Layout(potentials.mask)
    if not layout.sizes:
        empty = torch.zeros_like(potentials.mask, dtype=torch.long)
        return empty, potentials.emissions.new_zeros(potentials.batch_size)
    prefixes = best_prefixes(potentials, layout)
    turned = potentials.transitions.t().contiguous()
    # (S, tags)
    finals = torch.cat(prefixes).index_select(0, layout.last) + potentials.end
    scores, last_tags = finals.max(dim=1)
    tags = last_tags[: layout.sizes[-1]]
    path = [tags]
    for position in range(len(prefixes) - 2, -1, -1):
        running = prefixes[position + 1].shape[0]
        tags = (prefixes[position][:running] + turned.index_select(0, tags)).argmax(dim=1)
        if prefixes[position].shape[0] > running:
            tags = torch.cat([tags, last_tags[running : prefixes[position].shape[0]]])
        path.append(tags)
    return layout.unpack(torch.cat(path[::-1]), fill=0), layout.spread(scores)


def best_prefixes(potentials: ChainPotentials, layout: Layout) -> List[Tensor]:
    """The best score of a sequence up to and including each word, for each tag of that word.

    # Returns

    `List[Tensor]`
        By position, of shape `(sentences that run, tags)`, in the layout's order.
    """
    # [to, from]: the maximum then runs over the last axis.
    turned = potentials.transitions.t().contiguous()
    steps = layout.pack(potentials.emissions).split(layout.sizes)
    prefix = steps[0] + potentials.start
    prefixes = [prefix]
    for step in steps[1:]:
        prefix = (prefix[: step.shape[0]].unsqueeze(1) + turned).amax(dim=2) + step
        prefixes.append(prefix)
    return prefixes
