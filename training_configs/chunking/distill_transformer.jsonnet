(import "../lib/tagging.libsonnet").distill_transformer(import "task.libsonnet")
