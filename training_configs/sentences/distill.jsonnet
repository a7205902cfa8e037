local distillation = import "../lib/distillation.libsonnet";
distillation.converted(
  distillation.distilled(import "task.libsonnet", import "splitter.libsonnet"), "independent"
)
