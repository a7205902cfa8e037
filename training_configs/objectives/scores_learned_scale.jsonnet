local task = import "../named_entities/task.libsonnet";
(import "../lib/tagging.libsonnet").distill(task, { type: "substructured", match: "scores", learned_scale: true, scale: 0.1 })
