// The same student, which also learns from the teacher on raw text: the file raw/en.txt of ALLENNLP_KD_DATA, one
// sentence per line.
local environment = import "../lib/environment.libsonnet";
local tagging = import "../lib/tagging.libsonnet";

local student = tagging.distill_layers(import "task.libsonnet", 1, "text") { model+: { alpha: 0.8 } };
tagging.with_text(student, environment.data("raw/en.txt"), "en")
