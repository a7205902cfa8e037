local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";
tagging.distilled(task, tagging.student_convolutions(task, task.size)) + (import "batches.libsonnet")
