"""How the scores of an archive's model are computed, by its class."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
