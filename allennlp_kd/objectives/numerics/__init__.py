"""Penalties and checks that losses on chains and on trees share."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
