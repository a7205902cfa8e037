(import "../lib/tagging.libsonnet").distill((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
