(import "../lib/parsing.libsonnet").distill_large(import "task.libsonnet")
