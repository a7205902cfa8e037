import "splitter.libsonnet"
