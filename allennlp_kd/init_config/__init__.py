"""Writes the configuration of a distillation from a teacher and a corpus."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
