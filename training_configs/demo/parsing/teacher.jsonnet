// A large parser. It has AllenNLP's architecture, but the student class trains much faster: `make demo` converts its
// archive to a stock biaffine_parser.
local parsing = import "../../lib/parsing.libsonnet";
local task = import "task.libsonnet";

parsing.experiment(
  task,
  parsing.inputs.bilstm(task.teacher_size),
  "biaffine_parser_student",
  task.teacher_forms,
  parsing.training.adam(7, task.metric, lr=0.002)
)
