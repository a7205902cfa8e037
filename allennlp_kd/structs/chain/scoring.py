"""The score and the negative log-likelihood of given tags."""

import torch
from torch import Tensor

from allennlp_kd.structs.chain.layout import Layout
from allennlp_kd.structs.chain.likelihood import NegativeLogLikelihood, sequence_scores
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.precision import in_full_precision


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
        If `tags` has another shape than the mask, is not of whole numbers, or holds no tag at a
        word.
    """
    p = in_full_precision(potentials)
    layout = Layout(p.lengths, p.mask.shape[1])
    packed = _words_tags(tags, p, layout)
    if not layout.sizes:
        return p.emissions.new_zeros(p.batch_size)
    words = layout.fold(p.emissions, p.start, p.end)
    return sequence_scores(words, p.transitions, layout, packed)


def nll(potentials: ChainPotentials, tags: Tensor) -> Tensor:
    """The negative log-likelihood of one tag sequence of each sentence: log Z - score.

    As `log_partition`, with the score's gradient taken together with that of log Z.

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
    p = in_full_precision(potentials)
    layout = Layout(p.lengths, p.mask.shape[1])
    packed = _words_tags(tags, p, layout)
    with torch.autocast(p.emissions.device.type, enabled=False):
        return NegativeLogLikelihood.apply(
            p.emissions, p.transitions, p.start, p.end, layout, packed
        )


def _words_tags(tags: Tensor, potentials: ChainPotentials, layout: Layout) -> Tensor:
    """The words' tags, shape `(N,)`, checked."""
    expected = tuple(potentials.mask.shape)
    if tuple(tags.shape) != expected:
        raise ValueError(
            f"tags must have the shape {expected} of the mask, found {tuple(tags.shape)}"
        )
    if tags.is_floating_point() or tags.dtype == torch.bool:
        raise ValueError(f"tags must be whole numbers, found {tags.dtype}")
    packed = layout.pack(tags).long()
    if layout.sizes:
        lowest, highest = torch.aminmax(packed)
        if int(lowest) < 0 or int(highest) >= potentials.num_tags:
            wrong = (packed < 0) | (packed >= potentials.num_tags)
            row, position = divmod(int(layout.cells[wrong].min()), layout.length)
            raise ValueError(
                f"tags must be in [0, {potentials.num_tags}), "
                f"found {int(tags[row, position])} at word {position} of row {row}"
            )
    return packed
