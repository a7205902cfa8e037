// Two layers of a transformer as the student (`make demo` does not run this: it needs a checkpoint).
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

// Word pieces are not in the vocabulary, so there is nothing to count.
tagging.distill_transformer(task { hidden: 384, vocabulary:: null })
