(import "../lib/parsing.libsonnet").student((import "../lib/vectors.libsonnet")(import "task.libsonnet"))
