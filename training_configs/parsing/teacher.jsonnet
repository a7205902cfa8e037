(import "../lib/parsing.libsonnet").teacher(import "task.libsonnet")
