(import "../lib/parsing.libsonnet").distill((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
