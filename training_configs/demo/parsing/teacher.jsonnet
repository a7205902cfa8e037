// A large parser: a bidirectional LSTM over hashed word features. It has AllenNLP's architecture, but the student class
// trains much faster: `make demo` converts its archive to a stock biaffine_parser.
local parsing = import "../../lib/parsing.libsonnet";
local task = import "task.libsonnet";

parsing.from_zero(parsing.experiment(
  task,
  parsing.inputs.features(task.teacher_size),
  "biaffine_parser_student",
  task.teacher_forms,
  parsing.training.triangular(12, task.metric, 0.004)
))
