"""Fields that carry a teacher's inputs or stored potentials along with the student's."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
