local task = import "../named_entities/task.libsonnet";
(import "../lib/tagging.libsonnet").distill(task, { type: "substructured", match: "scores", huber: 1, scale: 0.1 })
