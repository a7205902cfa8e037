"""Mean squares of a chain's score differences by orthogonal parts, with their gradient in closed form."""

from typing import Any, Tuple

import torch
from torch import Tensor

from allennlp_kd.objectives.numerics.second_derivative import refuse_second_derivative


class OrthogonalSquares(torch.autograd.Function):
    """Sum over words of mean_y(h_i[y]^2) + (words - 1) mean(r^2); see `raw_scores`, `centred_scores`.

    With n the difference of the emissions, s and e of start and end, t of the transitions, and c and
    w the column and row means of t,

        h_i = n_i + [i = 1] s + [i = words] e + [i > 1] c,           r = t - c,

    and, where all is centered, each of these with its mean over the tags taken out,

        h_i = n_i + [i = 1] s + [i = words] e + [i > 1] c + [i < words] w,    r = t - c - w + mean(t).

    The four vectors are added by one product of the indicators, `(batch * length, 4)`, with a table
    `(4, tags)`. All of r lies where neither c nor w do, so the gradient is h and r themselves, times a
    factor: one product for the four vectors and one multiplication for each of n and t, where
    autograd would go back through some twenty small operations, as many as the loss itself has.
    """

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        transitions: Tensor,
        start: Tensor,
        end: Tensor,
        teacher: Tuple[Tensor, Tensor, Tensor, Tensor],
        mask: Tensor,
        centred: bool,
    ) -> Tensor:
        """
        # Parameters

        emissions, transitions, start, end : `Tensor`
            The student's, as in `ChainPotentials`.
        teacher : `Tuple[Tensor, Tensor, Tensor, Tensor]`
            The same of the teacher, which gets no gradient.
        mask : `Tensor`
            Shape `(batch, length)`.
        centred : `bool`

        # Returns

        `Tensor`
            Shape `(batch,)`.
        """
        batch, tags = mask.shape[0], emissions.shape[2]
        edges = transitions - teacher[1]
        columns, rows = edges.mean(0), edges.mean(1)
        nodes = emissions - teacher[0]
        dtype = torch.promote_types(nodes.dtype, edges.dtype)
        # Padding may contain any value. Shape: (batch * length, tags)
        parts = nodes.masked_fill(~mask.unsqueeze(-1), 0.0).to(dtype).reshape(-1, tags)

        later = mask[:, 1:]
        where = parts.new_zeros((*mask.shape, 4))
        where[:, :1, 0] = mask[:, :1].to(dtype)
        where[:, 1:, 2] = later.to(dtype)
        where[:, :-1, 3] = later.to(dtype)
        where[..., 1] = mask.to(dtype) - where[..., 3]
        where = where.view(-1, 4) if centred else where[..., :3].reshape(-1, 3)

        added = [start - teacher[2], end - teacher[3], columns]
        rest = edges - columns
        if centred:
            table = torch.stack([*added, rows])
            table = table - table.mean(1, keepdim=True)
            rest = rest - (rows - rows.mean()).unsqueeze(1)
            parts = parts - parts.mean(1, keepdim=True)
        else:
            table = torch.stack(added)
        # In place (nothing else uses `parts`), which autocast does not narrow.
        parts.addmm_(where, table.to(dtype))
        steps = later.sum(1)
        ctx.shape = emissions.shape
        ctx.save_for_backward(parts, rest, where, steps)
        squares = parts.square().sum(1).view(batch, mask.shape[1]).sum(1)
        return squares / tags + steps * rest.square().mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """
        # Raises

        RuntimeError
            If the gradient is to be differentiated again (`create_graph`), which it cannot be.
        """
        refuse_second_derivative("scores in the forms raw and centred")
        parts, rest, where, steps = ctx.saved_tensors
        tags = rest.shape[0]
        of_nodes = parts.view(*ctx.shape) * (gradient * (2 / tags)).view(-1, 1, 1)
        # Shape: (3 or 4, tags): start, end, column means and row means.
        vectors = where.t() @ of_nodes.reshape(-1, tags)
        means = vectors[2] if len(vectors) == 3 else vectors[2] + vectors[3].unsqueeze(1)
        of_edges = rest * ((steps * gradient).sum() * (2 / tags**2)) + means / tags
        return of_nodes, of_edges, vectors[0], vectors[1], None, None, None
