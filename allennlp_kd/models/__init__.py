"""The students, and the model that puts student, teacher and objective together."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
