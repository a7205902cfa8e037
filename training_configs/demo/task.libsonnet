// Part-of-speech tags (the treebank's own, 44 of them) of Turkish web text and encyclopedia articles, as `make demo`
// splits them. `make demo` sets ALLENNLP_KD_DATA.
local environment = import "../lib/environment.libsonnet";

{
  reader: { type: "conllu_tagging", column: "xpos" },
  tagger: {},
  // Rare words are unknown words, so that the model learns to use their characters.
  vocabulary: { min_count: { tokens: 3 } },
  train: environment.data("turkish/train.conllu"),
  dev: environment.data("turkish/dev.conllu"),
  test: environment.data("turkish/test.conllu"),
  metric: "+accuracy",
  run: "runs/demo",
  // A small treebank: small batches, and as many epochs as a demo has time for.
  short: { batch_size: 32, epochs: { task: 15 } },
  size: {},
  teacher_size: {
    words: 100,
    characters: { dim: 32, filters: 64, widths: [2, 3, 4] },
    hidden: 200,
    layers: 1,
    dropout: 0.5,
  },
}
