(import "../lib/tagging.libsonnet").distill_from_independent(import "task.libsonnet")
