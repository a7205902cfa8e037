local task = import "../named_entities/task.libsonnet";
(import "../lib/tagging.libsonnet").distill(task, { type: "substructured", match: "scores", form: "weighted", mix: 0.5, scale: 0.5 }, marginals=true)
