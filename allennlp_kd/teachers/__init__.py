"""Teachers: sources of potentials, such as a live archive, a store, or an ensemble."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
