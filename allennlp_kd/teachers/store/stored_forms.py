"""The storage format of each structure's potentials."""

from allennlp_kd.teachers.store.stored_chains import StoredChains
from allennlp_kd.teachers.store.stored_trees import StoredTrees

FORMS = {"chain": StoredChains, "tree": StoredTrees}
