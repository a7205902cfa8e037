// The small student, trained on gold tags only.
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

tagging.experiment(
  task,
  tagging.inputs.bilstm(task.size),
  "crf_tagger_student",
  tagging.training.adam(12, task.metric, lr=0.005),
  batch_size=16
)
