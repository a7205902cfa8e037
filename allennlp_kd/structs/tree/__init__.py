"""Dependency trees: potentials over all labeled arcs, and algorithms."""

from allennlp_kd.structs.tree.decoding import (
    best_heads,
    best_projective_heads,
    maximum_spanning_tree,
)
from allennlp_kd.structs.tree.distribution import (
    cross_entropy,
    entropy,
    kl_divergence,
    log_arc_marginals,
    log_partition,
    nll,
    score,
)
from allennlp_kd.structs.tree.k_best import k_best_trees
from allennlp_kd.structs.tree.labels.factored_labels import FactoredLabels
from allennlp_kd.structs.tree.local import (
    k_best_heads,
    log_head_probabilities,
    log_label_probabilities,
)
from allennlp_kd.structs.tree.potentials import TreePotentials
from allennlp_kd.structs.tree.trees import are_projective, are_trees

__all__ = [
    "FactoredLabels",
    "TreePotentials",
    "are_projective",
    "are_trees",
    "best_heads",
    "best_projective_heads",
    "cross_entropy",
    "entropy",
    "k_best_heads",
    "k_best_trees",
    "kl_divergence",
    "log_arc_marginals",
    "log_head_probabilities",
    "log_label_probabilities",
    "log_partition",
    "maximum_spanning_tree",
    "nll",
    "score",
]
