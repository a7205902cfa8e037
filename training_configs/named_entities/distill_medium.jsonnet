// The first layer of the teacher. For entities, wider convolutions were no better than those of `small`.
local tagging = import "../lib/tagging.libsonnet";

tagging.distill_layers(import "task.libsonnet", 1) { model+: { alpha: 0.8 } }
