"""How a store holds potentials of each structure."""

from allennlp_kd.teachers.store.stored_chains import StoredChains
from allennlp_kd.teachers.store.stored_trees import StoredTrees

FORMS = {"chain": StoredChains, "tree": StoredTrees}
