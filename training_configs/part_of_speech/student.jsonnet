(import "../lib/tagging.libsonnet").student(import "task.libsonnet")
