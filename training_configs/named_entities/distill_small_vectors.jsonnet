(import "../lib/tagging.libsonnet").distill_small((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
