// The small student, trained on gold trees only.
local parsing = import "../../lib/parsing.libsonnet";
local task = import "task.libsonnet";

parsing.experiment(
  task,
  parsing.inputs.bilstm(task.size),
  "biaffine_parser_student",
  task.forms,
  parsing.training.adam(12, task.metric, lr=0.005),
  batch_size=16
)
