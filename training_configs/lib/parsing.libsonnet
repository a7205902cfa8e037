// The experiments of a parsing task.
//
// task: {
//   reader             the dataset reader, without its indexers
//   train, dev, test   paths
//   metric             what a checkpoint is chosen by
//   run                the folder of the task's runs, relative to where `allennlp` is started
//   hidden             the width of the transformer
//   size, teacher_size of the BiLSTM student and teacher, as in inputs.libsonnet
//   forms, teacher_forms {arcs, labels}: the widths of the representations that arcs and labels are scored from
//   tags               null, or the width of the embedding of part-of-speech tags
// }
//
// Stock's parser and its reader ask for part-of-speech tags always. With `tags: null` no score depends on them: what
// is left of them is that stock's UAS and LAS leave punctuation out, which is told by the tag. With a width, teacher
// and students embed gold tags, so that text to be parsed must have tags too, and a sentence with other tags is
// another entry of the store.
local distillation = import "distillation.libsonnet";
local distilled = distillation.distilled;
local inputs = import "inputs.libsonnet";
local sizes = import "sizes.libsonnet";
local tagging = import "tagging.libsonnet";
local training = import "training.libsonnet";

local widened(encoder, by) =
  local name = if std.objectHas(encoder, "input_size") then "input_size" else "input_dim";
  encoder { [name]: encoder[name] + by };

// The biaffine scores start at zero. Stock's initial weights give scores so far apart that the first epoch is spent on
// bringing them together.
local from_zero(experiment) = experiment {
  model+: { initializer: { regexes: [["arc_attention._weight_matrix|tag_bilinear.weight", { type: "zero" }]] } },
};

local vectors = { type: "hidden", projection: "identity" };

// input: of inputs.libsonnet; forms: of the task.
local experiment(task, input, type, forms, trainer, batch_size=32) = training.common(batch_size, "words") {
  dataset_reader: task.reader { token_indexers: input.indexers },
  train_data_path: task.train,
  validation_data_path: task.dev,
  test_data_path: task.test,
  evaluate_on_test: true,
  [if std.objectHas(task, "vocabulary") then "vocabulary"]: task.vocabulary,
  model: input.model {
    type: type,
    arc_representation_dim: forms.arcs,
    tag_representation_dim: forms.labels,
    input_dropout: input.model.dropout / 2,
  } + (
    if task.tags == null then {} else {
      pos_tag_embedding: { embedding_dim: task.tags, vocab_namespace: "pos" },
      encoder: widened(input.model.encoder, task.tags),
    }
  ),
  trainer: trainer,
};

{
  inputs:: inputs,
  training:: training,
  experiment:: experiment,
  from_zero:: from_zero,
  distilled:: distilled,
  tenth:: distillation.tenth,
  with_text:: distillation.with_text,

  teacher(task):: experiment(
    task, inputs.transformer(task.hidden), "biaffine_parser", task.teacher_forms, training.adamw(5, task.metric)
  ),
  teacher_bilstm(task):: experiment(
    task, inputs.bilstm(task.teacher_size), "biaffine_parser", task.teacher_forms, training.adam(20, task.metric)
  ),
  student(task):: experiment(
    task, inputs.bilstm(task.size), "biaffine_parser_student", task.forms, training.adam(20, task.metric)
  ),
  // Students by size: see sizes.libsonnet. Small and medium ones are convolutional; large ones are the first layers of the
  // teacher. use: "task" or "text", for the number of epochs.
  student_convolutions(task, size, use):: from_zero(experiment(
    task,
    inputs.convolutions(size, task.size),
    "biaffine_parser_student",
    size.forms,
    training.triangular(size.epochs[use], task.metric, size.lr),
    size.batch_size,
  )),
  student_transformer(task, archive=null):: experiment(
    task, inputs.layers(task.hidden, 2, archive), "biaffine_parser_student", task.forms, training.adamw(10, task.metric)
  ),
  // A tagger that parses: its tags encode the position of a word's head and the label of the arc.
  distill_tagger(task):: distillation.converted(
    distilled(
      task,
      tagging.student(task {
        reader: { type: "conllu_relative_heads" }, tagger: {}, metric: "+accuracy",
      })
    ),
    "relative_heads"
  ),
  distill(task, objective={ type: "substructured" })::
    distilled(task, self.student(task), objective),
  distill_transformer(task):: distilled(task, self.student_transformer(task)),
  distill_convolutions(task, size, use)::
    distilled(task, self.student_convolutions(task, size, use)) { model+: { alpha: size.alpha } },
  distill_small(task, use="task"):: self.distill_convolutions(task, sizes.small.parsing, use),
  distill_medium(task, use="task"):: self.distill_convolutions(task, sizes.medium.parsing, use),
  // start: the run whose first layers the student starts from.
  distill_large(task, use="task", start="teacher"):: distilled(task, from_zero(experiment(
    task,
    inputs.layers(task.hidden, sizes.large.layers, task.run + "/" + start + "/model.tar.gz"),
    "biaffine_parser_student",
    sizes.large.forms,
    training.adamw(sizes.large.epochs[use], task.metric)
  ))),
  // The word vectors of a large student match those of the teacher's last layer. Its scores are not trained.
  warm_start_large(task):: distillation.live(self.distill_large(task, "text")) {
    model+: { objective: vectors, alpha: 1 },
    trainer+: { validation_metric: "-distillation_loss" },
  },
  distill_large_hidden(task):: distillation.live(self.distill_large(task)) {
    model+: { objective: { type: "sum", objectives: { parts: { type: "substructured" }, vectors: vectors } } },
  },
  // The same two layers with the teacher's fine-tuned weights.
  distill_teacher_layers(task)::
    distilled(task, self.student_transformer(task, archive=task.run + "/teacher/model.tar.gz")),
}
