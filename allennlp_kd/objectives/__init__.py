"""Distillation objectives, each a function of student potentials and teacher potentials."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
