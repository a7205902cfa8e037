"""Linear chains: potentials and algorithms over them."""
from allennlp_kd.structs.chain.constraints import Constraints, constrain, constraints_for
from allennlp_kd.structs.chain.decoding import viterbi
from allennlp_kd.structs.chain.log_partition import log_partition
from allennlp_kd.structs.chain.potentials import ChainPotentials
from allennlp_kd.structs.chain.scoring import nll, score
