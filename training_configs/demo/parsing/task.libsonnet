// Dependency parsing of Turkish web text and encyclopedia articles, as `make demo` splits them. `make demo` sets
// ALLENNLP_KD_DATA.
local sizes = import "../../lib/sizes.libsonnet";
local tagging = import "../task.libsonnet";

{
  reader: { type: "universal_dependencies" },
  train: tagging.train,
  dev: tagging.dev,
  test: tagging.test,
  metric: "+LAS",
  run: "runs/demo/parsing",
  short: tagging.short,
  size: {},
  teacher_size: { words: 192, features: sizes.small.parsing.features, hidden: 200, layers: 2, dropout: 0.33 },
  teacher_forms: { arcs: 200, labels: 60 },
  tags: null,
}
