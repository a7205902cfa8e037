// A large student that starts from the run `warm_start_large`, not from the first layers of the teacher.
(import "../lib/parsing.libsonnet").distill_large(import "task.libsonnet", start="warm_start_large")
