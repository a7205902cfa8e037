(import "../lib/parsing.libsonnet").distill_small(import "task.libsonnet")
