(import "../lib/tagging.libsonnet").distill_teacher_layers(import "task.libsonnet")
