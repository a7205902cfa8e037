"""KL divergences between a chain's local distributions over edges, with their gradient in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.second_derivative import refuse_second_derivative

Scores = Tuple[Tensor, Tensor, Tensor, Tensor]
TEACHER, STUDENT = 0, 1


class EdgeDivergence(torch.autograd.Function):
    """Sum over positions i >= 2 of KL(P_T || P_S) over cells; see `edge_predictions`.

    With p and q the teacher's and the student's distributions over the cells (y', y) of a table,
    the gradient is q - p: by the student's emissions the difference of the node marginals of the
    tables on both sides of a word, by its transitions that of the cells, summed over all tables. The
    former is made on the way, and the latter is a product of the same factors, where autograd would
    go back through some forty small operations.

    Both sides are computed at once. Words of all sentences stand in one row, so that neighbors are
    two slices of it; the tables between sentences have no weight.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        teacher: Scores,
        mask: Tensor,
    ) -> Tensor:
        """
        # Parameters

        emissions, transitions, start, end : `Tensor`
            The student's, as in `ChainPotentials`; a spread of the transitions beyond what `exp` holds
            underflows.
        teacher : `Tuple[Tensor, Tensor, Tensor, Tensor]`
            The same of the teacher, which gets no gradient.
        mask : `Tensor`
            Shape `(batch, length)`, with a length of 1 at least.

        # Returns

        `Tensor`
            Shape `(batch,)`.
        """
        batch, length = mask.shape
        dtype = torch.float32
        for scores in (emissions, transitions, *teacher[:2]):
            dtype = torch.promote_types(dtype, scores.dtype)
        later = torch.nn.functional.pad(mask[:, 1:], (0, 1))
        # First and last words. Shape: (batch * length, 2)
        ends = torch.zeros((batch, length, 2), dtype=dtype, device=mask.device)
        ends[:, 0, 0] = mask[:, 0].to(dtype)
        ends[..., 1] = (mask & ~later).to(dtype)
        ends = ends.view(-1, 2)
        # Words that have a table with the next word. Shape: (batch * length - 1, 1)
        weights = later.reshape(-1, 1)[:-1].to(dtype)
        # A sentence of one word has a table of its tags. Shape: (batch,)
        alone = (mask[:, 0] & ~later[:, 0]).to(dtype)

        student = emissions, transitions, start, end
        with torch.autocast(mask.device.type, enabled=False):
            # Both models at once. A constant over a table does not change its distribution.
            # Shapes: (2, batch * length, tags) and (2, tags, tags)
            nodes = torch.stack([_dense(side[0], mask, dtype) for side in (teacher, student)])
            borders = torch.stack([torch.stack(side[2:]).to(dtype) for side in (teacher, student)])
            nodes = nodes.baddbmm_(ends.expand(2, *ends.shape), borders)
            nodes -= nodes.amax(2, keepdim=True)
            edges = torch.stack([teacher[1].to(dtype), transitions.to(dtype)])
            edges -= edges.amax((1, 2), keepdim=True)
            factors, scaled = edges.exp(), nodes.exp()
            left, right = scaled[:, :-1], scaled[:, 1:]
            after = left @ factors
            mass = (after * right).sum(2, keepdim=True)
            # The marginals of both words of each table, per model, summed by word.
            scales = weights / mass
            marginals = torch.zeros_like(nodes)
            torch.mul(left, (right @ factors.transpose(1, 2)) * scales, out=marginals[:, :-1])
            marginals[:, 1:] += right * after * scales

            # A probability of 0 contributes nothing, even if its score is -inf.
            of_nodes = nodes[TEACHER] - nodes[STUDENT]
            of_nodes.masked_fill_(marginals[TEACHER] == 0, 0.0)
            per_word = (marginals[TEACHER] * of_nodes).sum(1)
            weighted = left[TEACHER] @ (factors[TEACHER] * (edges[TEACHER] - edges[STUDENT]))
            of_edges = (weighted * right[TEACHER]).sum(1, keepdim=True) / mass[TEACHER]
            of_masses = (mass[STUDENT] / mass[TEACHER]).log()
            per_word[:-1] += ((of_edges + of_masses) * weights).squeeze(1)
            losses = per_word.view(batch, length).sum(1)
            of_nodes = marginals[STUDENT] - marginals[TEACHER]
            if bool(alone.any()):
                first = nodes.view(2, batch, length, -1)[:, :, 0].log_softmax(2)
                of_tags = first.exp() * alone.unsqueeze(1)
                difference = first[TEACHER] - first[STUDENT]
                difference.masked_fill_(of_tags[TEACHER] == 0, 0.0)
                losses = losses + (of_tags[TEACHER] * difference).sum(1)
                of_nodes.view(batch, length, -1)[:, 0] += of_tags[STUDENT] - of_tags[TEACHER]
        ctx.shape = emissions.shape
        ctx.types = tuple(scores.dtype for scores in student)
        ctx.save_for_backward(of_nodes, scaled, scales, factors, ends)
        return losses

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        refuse_second_derivative("predictions over edges")
        of_nodes, scaled, scales, factors, ends = ctx.saved_tensors
        batch, length, tags = ctx.shape
        with torch.autocast(scaled.device.type, enabled=False):
            by_word = gradient.repeat_interleave(length).unsqueeze(1)
            of_nodes = of_nodes * by_word
            weighted = scaled[:, 1:] * (scales * by_word[:-1])
            of_edges = factors * (scaled[:, :-1].transpose(1, 2) @ weighted)
            of_start, of_end = ends.t() @ of_nodes
        of_nodes = of_nodes.view(batch, length, tags)
        found = (of_nodes, of_edges[STUDENT] - of_edges[TEACHER], of_start, of_end)
        return (*(part.to(dtype) for part, dtype in zip(found, ctx.types)), None, None)


def _dense(emissions: Tensor, mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Flattens to one row per word, 0 in padding, whose input may be any value; shape `(batch *
    length, tags)`.
    """
    filled = emissions.masked_fill(~mask.unsqueeze(-1), 0.0)
    return filled.to(dtype).reshape(-1, emissions.shape[2])
