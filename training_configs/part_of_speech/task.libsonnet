// Part-of-speech tags of English web text, UD English EWT.
local environment = import "../lib/environment.libsonnet";
local sizes = import "../lib/sizes.libsonnet";

{
  reader: { type: "conllu_tagging", column: "xpos" },
  tagger: {},
  train: environment.data("ud_english_ewt/train.conllu"),
  dev: environment.data("ud_english_ewt/dev.conllu"),
  test: environment.data("ud_english_ewt/test.conllu"),
  metric: "+accuracy",
  run: "runs/part_of_speech",
  hidden: sizes.minilm_hidden,
  size: sizes.bilstm,
}
