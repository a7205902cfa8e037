// The same student, and the teacher on more text: the words of a treebank.
local environment = import "../lib/environment.libsonnet";
local tagging = import "../lib/tagging.libsonnet";

tagging.with_treebank(import "distill_vectors.jsonnet", environment.data("ud_english_ewt/train.conllu"))
