local task = import "../../parsing/task.libsonnet";
(import "../../lib/parsing.libsonnet").distill(task, { type: "substructured" })
