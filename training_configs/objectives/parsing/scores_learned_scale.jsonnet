local task = import "../../parsing/task.libsonnet";
(import "../../lib/parsing.libsonnet").distill(task, { type: "substructured", match: "scores", learned_scale: true, scale: 0.1 })
