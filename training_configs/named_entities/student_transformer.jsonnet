(import "../lib/tagging.libsonnet").student_transformer(import "task.libsonnet")
