"""Distillation objectives: functions of student and teacher potentials."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
