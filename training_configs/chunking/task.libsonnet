// Chunking of Wall Street Journal text, CoNLL-2000. The published files have no dev set, so the last 1,000
// sentences of train are used.
local environment = import "../lib/environment.libsonnet";
local sizes = import "../lib/sizes.libsonnet";

{
  reader: { type: "conll2000", tag_label: "chunk" },
  tagger: { label_encoding: "BIO", calculate_span_f1: true },
  train: environment.data("conll2000/train-first-7936.txt"),
  dev: environment.data("conll2000/dev-last-1000.txt"),
  test: environment.data("conll2000/test.txt"),
  metric: "+f1-measure-overall",
  run: "runs/chunking",
  hidden: sizes.minilm_hidden,
  size: sizes.bilstm,
}
