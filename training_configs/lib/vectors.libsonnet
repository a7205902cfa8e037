// A task whose BiLSTM student starts from vectors of words: a text file such as GloVe's, a word and its numbers a line,
// the frequent words first.
local environment = import "environment.libsonnet";

// width: the width of a vector; most: how many of the file's words are in the student's vocabulary, whether or not the
// training text has them.
function(task, width=50, most=30000) task {
  size+: { words: width, vectors: environment.vectors() },
  vocabulary: (if std.objectHas(task, "vocabulary") then task.vocabulary else {}) {
    pretrained_files: { tokens: environment.vectors() },
    min_pretrained_embeddings: { tokens: most },
  },
}
