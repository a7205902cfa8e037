local task = import "../../parsing/task.libsonnet";
(import "../../lib/parsing.libsonnet").distill(task, { type: "top_k", k: 3 })
