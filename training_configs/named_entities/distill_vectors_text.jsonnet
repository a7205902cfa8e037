// The same student, which also learns from the teacher on the words of a treebank.
local environment = import "../lib/environment.libsonnet";
local tagging = import "../lib/tagging.libsonnet";

tagging.with_treebank(import "distill_vectors.jsonnet", environment.data("ud_english_ewt/train.conllu"))
