"""Scorers: compute the potentials of an archive's model."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
