(import "../lib/tagging.libsonnet").distill_medium(import "task.libsonnet")
