(import "../lib/tagging.libsonnet").distill_large(import "task.libsonnet")
