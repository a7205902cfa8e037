// The same student, and the teacher on more text: the words of a treebank, whose gold is not looked at.
local environment = import "../lib/environment.libsonnet";
local distilled = import "distill_vectors.jsonnet";

distilled {
  dataset_reader+: { unlabelled_reader: { type: "column_text", conllu: true, max_words: 100 } },
  train_data_path: {
    labelled: distilled.train_data_path,
    unlabelled: environment.data("ud_english_ewt/train.conllu"),
  },
}
