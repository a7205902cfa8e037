(import "../lib/tagging.libsonnet").distill_independent(import "task.libsonnet")
