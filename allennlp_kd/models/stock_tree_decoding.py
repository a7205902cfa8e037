"""Decodes trees as AllenNLP's `biaffine_parser` does."""

from typing import Optional, Tuple

import torch
from torch import Tensor

from allennlp_kd.structs.tree import TreePotentials, log_label_probabilities
from allennlp_kd.structs.tree.decoding import best_labels
from allennlp_kd.structs.tree.spanning.arborescence import maximum_spanning_arborescence


def stock_trees(potentials: TreePotentials) -> Tuple[Tensor, Optional[Tensor]]:
    """Finds the tree with the highest sum of p(head) * p(label), in which arcs from ROOT count as
    0.

    Stock adds probabilities where it means their logs, and where it means to forbid arcs into ROOT
    it sets the scores of those from ROOT to 0. So ROOT takes a word only where a cycle has to be
    broken. p(head) is normalized with the word itself among the heads.

    # Returns

    `Tuple[Tensor, Optional[Tensor]]`
        Heads and labels (where there are any) of shape `(batch, length)`, 0 in padded cells.
    """
    with torch.no_grad():
        mask, cells = potentials.mask, potentials.arc_mask
        length = potentials.max_length
        itself = torch.eye(length, dtype=torch.bool, device=mask.device)
        itself = torch.nn.functional.pad(itself, (1, 0)) & mask.unsqueeze(2)
        # A stored teacher has no diagonal.
        itself = itself & torch.isfinite(potentials.arcs)
        arcs = potentials.arcs.masked_fill(~(cells | itself), float("-inf"))
        arcs = arcs.masked_fill(~mask.unsqueeze(2), 0)
        log_arcs = torch.log_softmax(arcs, dim=2)
        log_scores = log_arcs
        if potentials.labels is not None:
            log_scores = log_arcs + best_labels(potentials)
        scores = log_scores.exp().masked_fill(~cells, 0)
        scores[..., 0] = 0
        tables = scores.cpu().double().numpy()
        heads = torch.zeros_like(mask, dtype=torch.long)
        for row, words in enumerate(potentials.lengths.tolist()):
            found = maximum_spanning_arborescence(tables[row, :words, : words + 1])
            heads[row, :words] = torch.from_numpy(found).to(heads)
        if potentials.labels is None:
            return heads, None
        log_labels = log_label_probabilities(potentials, heads)
        log_heads = log_arcs.gather(2, heads.unsqueeze(2))
        # If the product underflows, the first label wins, as in AllenNLP.
        labels = (log_heads + log_labels).exp().argmax(dim=2)
        return heads, labels.masked_fill(~mask, 0)
