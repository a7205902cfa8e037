(import "../lib/parsing.libsonnet").distill_medium(import "task.libsonnet")
