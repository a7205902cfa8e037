"""Stores: a teacher's scores on disk."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
