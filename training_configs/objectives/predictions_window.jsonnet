local task = import "../named_entities/task.libsonnet";
(import "../lib/tagging.libsonnet").distill(task, { type: "substructured", window: 3 })
