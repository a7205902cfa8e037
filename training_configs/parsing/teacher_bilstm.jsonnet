(import "../lib/parsing.libsonnet").teacher_bilstm(import "task.libsonnet")
