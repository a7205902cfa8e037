"""Linear chains: potentials and algorithms."""

from allennlp_kd.structs.chain.constraints import Constraints, constrain, constraints_for
from allennlp_kd.structs.chain.decoding import viterbi
from allennlp_kd.structs.chain.gauge import canonical
from allennlp_kd.structs.chain.information import cross_entropy, entropy, kl_divergence
from allennlp_kd.structs.chain.k_best import k_best
from allennlp_kd.structs.chain.likelihood import log_partition, nll, score
from allennlp_kd.structs.chain.marginals import (
    log_edge_marginals,
    log_node_marginals,
    with_marginals,
)
from allennlp_kd.structs.chain.potentials import ChainPotentials

__all__ = [
    "ChainPotentials",
    "Constraints",
    "canonical",
    "constrain",
    "constraints_for",
    "cross_entropy",
    "entropy",
    "k_best",
    "kl_divergence",
    "log_edge_marginals",
    "log_node_marginals",
    "log_partition",
    "nll",
    "score",
    "viterbi",
    "with_marginals",
]
