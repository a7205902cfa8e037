(import "../lib/parsing.libsonnet").student(import "task.libsonnet")
