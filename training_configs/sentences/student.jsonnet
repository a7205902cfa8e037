(import "../lib/tagging.libsonnet").student(import "task.libsonnet") + (import "batches.libsonnet")
