(import "../lib/parsing.libsonnet").distill(import "task.libsonnet")
