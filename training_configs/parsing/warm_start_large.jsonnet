// The first of two stages: on the task's text and raw text, three layers learn to give the word vectors of all six.
// `distill_large_warm` continues from them.
local environment = import "../lib/environment.libsonnet";
local parsing = import "../lib/parsing.libsonnet";

parsing.with_text(parsing.warm_start_large(import "task.libsonnet"), environment.data("raw/en.txt"), "en")
