// Dependency parsing of English web text, UD English EWT. The distillations learn from the run `teacher`; to learn from
// `teacher_bilstm`, train that one into the folder of `teacher`.
local environment = import "../lib/environment.libsonnet";
local sizes = import "../lib/sizes.libsonnet";

{
  reader: { type: "universal_dependencies" },
  train: environment.data("ud_english_ewt/train.conllu"),
  dev: environment.data("ud_english_ewt/dev.conllu"),
  test: environment.data("ud_english_ewt/test.conllu"),
  metric: "+LAS",
  run: "runs/parsing",
  hidden: sizes.minilm_hidden,
  size: sizes.bilstm,
  teacher_size: sizes.bilstm_teacher,
  forms: { arcs: 200, labels: 100 },
  teacher_forms: { arcs: 300, labels: 100 },
  tags: null,  // 50: gold part-of-speech tags are input
}
