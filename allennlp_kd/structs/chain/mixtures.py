"""Combines several chains over the same sentences and tags into one."""

from typing import Sequence

from allennlp_kd.structs.chain.gauge import canonical
from allennlp_kd.structs.chain.marginals import log_node_marginals
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.numerics.mixing import check_members, log_weighted_sum, weighted_sum


def mean_potentials(
    members: Sequence[ChainPotentials], weights: Sequence[float]
) -> ChainPotentials:
    """The weighted mean of the scores: the normalized geometric mean of the distributions,

        p(y) ~ product over members m of p_m(y)^w_m.

    In the canonical form (`gauge.canonical`). That form is linear, so it does not matter that the
    mean is taken first: each member's is in it.

    # Parameters

    members : `Sequence[ChainPotentials]`
        Of the same words and tags.
    weights : `Sequence[float]`
        Greater than 0, of the sum 1.
    """
    check_members(members, weights)
    padding = ~members[0].mask.unsqueeze(2)
    scores = {
        name: weighted_sum([getattr(member, name) for member in members], weights)
        for name in ("transitions", "start", "end")
    }
    emissions = [member.emissions.masked_fill(padding, 0) for member in members]
    return canonical(ChainPotentials(weighted_sum(emissions, weights), members[0].mask, **scores))


def mean_marginals(members: Sequence[ChainPotentials], weights: Sequence[float]) -> ChainPotentials:
    """The chain without transitions whose node marginals are the weighted mean of the members':

        emissions[i, j] = log(sum over members m of w_m p_m(y_i = j)).

    What members say of two words at once is lost. A mean of edge marginals is a chain too, but one
    whose transitions differ from word to word.

    # Parameters

    members : `Sequence[ChainPotentials]`
        Of the same words and tags.
    weights : `Sequence[float]`
        Greater than 0, of the sum 1.
    """
    check_members(members, weights)
    mixed = log_weighted_sum([log_node_marginals(member) for member in members], weights)
    mask, tags = members[0].mask, members[0].num_tags
    emissions = mixed.masked_fill(~mask.unsqueeze(2), 0)
    return ChainPotentials(emissions, mask, transitions=mixed.new_zeros(tags, tags))
