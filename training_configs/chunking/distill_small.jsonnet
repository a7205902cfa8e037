(import "../lib/tagging.libsonnet").distill_small(import "task.libsonnet")
