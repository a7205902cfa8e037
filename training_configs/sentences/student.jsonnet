local task = import "task.libsonnet";
(import "../lib/tagging.libsonnet").student_convolutions(task, task.size) + (import "batches.libsonnet")
