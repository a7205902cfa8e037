// Emerging entities in user text, WNUT-17, in the four columns (word X X tag) of AllenNLP's conll2003 reader.
local environment = import "../lib/environment.libsonnet";
local sizes = import "../lib/sizes.libsonnet";

{
  reader: { type: "conll2003", tag_label: "ner" },
  tagger: { label_encoding: "BIO", calculate_span_f1: true },
  train: environment.data("wnut17/four-columns/train.txt"),
  dev: environment.data("wnut17/four-columns/dev.txt"),
  test: environment.data("wnut17/four-columns/test.txt"),
  metric: "+f1-measure-overall",
  run: "runs/named_entities",
  hidden: sizes.minilm_hidden,
  size: sizes.bilstm,
}
