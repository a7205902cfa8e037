// The student. It tags each word independently, because transitions add little and Viterbi decoding takes time.
local task = import "task.libsonnet";
local plain = (import "../lib/tagging.libsonnet").student_convolutions(task, task.size, "task");

plain {
  model+: { type: "simple_tagger_student", dropout:: null, include_start_end_transitions:: null },
}
