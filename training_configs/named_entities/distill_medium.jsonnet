// The first layer of the teacher. For entities, wider convolutions learn no more than those of `small`.
(import "../lib/tagging.libsonnet").distill_layers(import "task.libsonnet", 1)
