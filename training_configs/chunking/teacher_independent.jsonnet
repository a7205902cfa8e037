(import "../lib/tagging.libsonnet").teacher_independent(import "task.libsonnet")
