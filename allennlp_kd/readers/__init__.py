"""Dataset readers, which give each sentence its words, its annotation and the teacher's inputs."""

from allennlp_kd.training_side import require_training_side

require_training_side(__name__)
