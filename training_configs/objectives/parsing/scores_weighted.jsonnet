local task = import "../../parsing/task.libsonnet";
(import "../../lib/parsing.libsonnet").distill(task, { type: "substructured", match: "scores", form: "weighted", mix: 0.5, scale: 0.5 })
