(import "../lib/parsing.libsonnet").distill_transformer(import "task.libsonnet")
