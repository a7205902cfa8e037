(import "../lib/tagging.libsonnet").teacher(import "task.libsonnet")
