(import "../lib/parsing.libsonnet").distill_teacher_layers(import "task.libsonnet")
