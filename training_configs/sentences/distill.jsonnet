(import "../lib/tagging.libsonnet").distill(import "task.libsonnet") + (import "batches.libsonnet")
