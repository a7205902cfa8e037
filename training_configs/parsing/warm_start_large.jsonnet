// The first of two stages: on the task's text and raw text, the first three layers learn to reproduce the output of the
// teacher's sixth. `distill_large_warm` continues from them. The recorded run has one epoch, with 500,000 words of raw text:
//
//   allennlp train training_configs/parsing/warm_start_large.jsonnet -s runs/parsing/warm_start_large -o '{
//     "trainer.num_epochs": 1, "dataset_reader.unlabelled_ratio": 2.03, "dataset_reader.unlabelled_reader.tokenize": false}'
local environment = import "../lib/environment.libsonnet";
local parsing = import "../lib/parsing.libsonnet";

parsing.with_text(parsing.warm_start_large(import "task.libsonnet"), environment.data("raw/en.txt"), "en")
