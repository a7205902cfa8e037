(import "../lib/tagging.libsonnet").student((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
