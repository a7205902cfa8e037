// Sentence boundaries of English web text, UD English EWT: each word of a document either starts a sentence or not.
local environment = import "../lib/environment.libsonnet";
local sizes = import "../lib/sizes.libsonnet";

{
  reader: { type: "sentence_starts" },
  tagger: {},
  train: environment.data("ud_english_ewt/train.conllu"),
  dev: environment.data("ud_english_ewt/dev.conllu"),
  test: environment.data("ud_english_ewt/test.conllu"),
  metric: "+accuracy",
  run: "runs/sentences",
  hidden: sizes.minilm_hidden,
  size: sizes.splitter,
}
