// Large. Stock's architecture by our class, of which a step takes a small part of stock's time: `make demo` makes a
// stock biaffine_parser of its archive.
local parsing = import "../../lib/parsing.libsonnet";
local task = import "task.libsonnet";

parsing.experiment(
  task,
  parsing.inputs.bilstm(task.teacher_size),
  "biaffine_parser_student",
  task.teacher_forms,
  parsing.training.adam(7, task.metric, lr=0.002)
)
