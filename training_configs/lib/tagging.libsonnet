// The four experiments of a tagging task, and the plain counterpart of each student.
//
// task: {
//   reader             the dataset reader, without its indexers
//   tagger             what the task asks of a tagger (encoding, metrics, ...)
//   train, dev, test   paths
//   metric             what a checkpoint is chosen by
//   run                the folder of the task's runs, relative to where `allennlp` is started
//   hidden             the width of the transformer
//   size               of the BiLSTM student, as in inputs.libsonnet
// }
local distillation = import "distillation.libsonnet";
local distilled = distillation.distilled;
local inputs = import "inputs.libsonnet";
local sizes = import "sizes.libsonnet";
local training = import "training.libsonnet";

local experiment(task, input, type, trainer, batch_size=32) = training.common(batch_size) {
  dataset_reader: task.reader { token_indexers: input.indexers },
  train_data_path: task.train,
  validation_data_path: task.dev,
  test_data_path: task.test,
  evaluate_on_test: true,
  [if std.objectHas(task, "vocabulary") then "vocabulary"]: task.vocabulary,
  model: task.tagger + input.model { type: type, include_start_end_transitions: true },
  trainer: trainer,
};

// Words on their own ("MaxEnt"): stock's simple_tagger, which has neither transitions nor dropout of its own.
local without(object, names) = {
  [name]: object[name] for name in std.objectFields(object) if !std.member(names, name)
};
local independent(task, type) =
  local plain = experiment(task, inputs.bilstm(task.size), type, training.adam(20, task.metric));
  plain { model: without(plain.model, ["dropout", "include_start_end_transitions"]) };

{
  inputs:: inputs,
  training:: training,
  experiment:: experiment,
  distilled:: distilled,
  tenth:: distillation.tenth,
  with_text:: distillation.with_text,
  with_treebank:: distillation.with_treebank,

  teacher(task):: experiment(
    task, inputs.transformer(task.hidden), "crf_tagger", training.adamw(5, task.metric)
  ),
  student(task):: experiment(
    task, inputs.bilstm(task.size), "crf_tagger_student", training.adam(20, task.metric)
  ),
  // Students by size: see sizes.libsonnet. Small and medium ones are convolutional; large ones are the first layers of the
  // teacher. use: "task" or "text", for the number of epochs.
  student_convolutions(task, size, use):: experiment(
    task,
    inputs.convolutions(size, task.size, forms=use == "text"),
    "crf_tagger_student",
    training.triangular(size.epochs[use], task.metric, size.lr),
    size.batch_size,
  ),
  student_transformer(task, archive=null):: experiment(
    task, inputs.layers(task.hidden, 2, archive), "crf_tagger_student", training.adamw(10, task.metric)
  ),
  // Different factorizations: a CRF teaches a tagger with independent tags, and such a tagger teaches a CRF.
  teacher_independent(task):: independent(task, "simple_tagger"),
  distill_independent(task):: distillation.converted(
    distilled(task, independent(task, "simple_tagger_student")), "independent"
  ),
  distill_from_independent(task):: distillation.taught_by(
    distilled(task, self.student(task)), task, "teacher_independent"
  ),
  distill(task, objective={ type: "substructured" }, marginals=false)::
    distilled(task, self.student(task), objective, marginals),
  distill_transformer(task):: distilled(task, self.student_transformer(task)),
  distill_convolutions(task, size, use)::
    distilled(task, self.student_convolutions(task, size, use)) { model+: { alpha: size.alpha } },
  distill_small(task, use="task"):: self.distill_convolutions(task, sizes.small.tagging, use),
  distill_medium(task, use="task"):: self.distill_convolutions(task, sizes.medium.tagging, use),
  distill_large(task, use="task"):: self.distill_layers(task, sizes.large.layers, use),
  distill_layers(task, layers, use="task"):: distilled(task, experiment(
    task,
    inputs.layers(task.hidden, layers, task.run + "/teacher/model.tar.gz"),
    "crf_tagger_student",
    training.adamw(sizes.large.epochs[use], task.metric)
  )),
  // The same two layers with the teacher's fine-tuned weights.
  distill_teacher_layers(task)::
    distilled(task, self.student_transformer(task, archive=task.run + "/teacher/model.tar.gz")),
}
