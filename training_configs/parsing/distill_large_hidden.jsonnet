// A large student that also matches the word vectors of the teacher's last layer in each step.
(import "../lib/parsing.libsonnet").distill_large_hidden(import "task.libsonnet")
