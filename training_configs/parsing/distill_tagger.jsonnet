(import "../lib/parsing.libsonnet").distill_tagger(import "task.libsonnet")
