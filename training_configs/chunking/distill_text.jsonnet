// The same student, with a tenth of the gold tags, and the teacher on all of that text and on raw text: the file
// raw/en.txt of ALLENNLP_KD_DATA, one sentence per line.
local environment = import "../lib/environment.libsonnet";
local tagging = import "../lib/tagging.libsonnet";

tagging.with_text(import "distill_tenth.jsonnet", environment.data("raw/en.txt"), "en")
