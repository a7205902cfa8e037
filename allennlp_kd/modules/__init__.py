"""Embedders, encoders and indexers for students."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
