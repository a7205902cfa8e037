(import "../lib/parsing.libsonnet").student_transformer(import "task.libsonnet")
