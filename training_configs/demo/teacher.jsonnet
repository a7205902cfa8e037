// AllenNLP's crf_tagger, large.
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

tagging.experiment(
  task, tagging.inputs.bilstm(task.teacher_size), "crf_tagger", tagging.training.adam(7, task.metric, lr=0.003)
)
