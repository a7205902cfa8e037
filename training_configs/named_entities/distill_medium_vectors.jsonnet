(import "../lib/tagging.libsonnet").distill_medium((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
