// Dependency parsing of Turkish web text and encyclopedia articles, as `make demo` splits them. `make demo` sets
// ALLENNLP_KD_DATA.
local tagging = import "../task.libsonnet";

{
  reader: { type: "universal_dependencies" },
  vocabulary: tagging.vocabulary,
  train: tagging.train,
  dev: tagging.dev,
  test: tagging.test,
  metric: "+LAS",
  run: "runs/demo/parsing",
  size: {
    words: 16,
    characters: { dim: 8, filters: 16, widths: [3] },
    hidden: 24,
    layers: 1,
    dropout: 0.0,
  },
  teacher_size: {
    words: 100,
    characters: { dim: 32, filters: 64, widths: [2, 3, 4] },
    hidden: 200,
    layers: 2,
    dropout: 0.33,
  },
  forms: { arcs: 24, labels: 16 },
  teacher_forms: { arcs: 200, labels: 60 },
  tags: null,
}
