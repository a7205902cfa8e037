"""Scoring a large transfer corpus, in any number of processes on any number of machines."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
