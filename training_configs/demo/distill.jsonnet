// The same student, trained on gold tags and the teacher.
local sizes = import "../lib/sizes.libsonnet";
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

tagging.distilled(task, import "student.jsonnet") { model+: { alpha: sizes.small.tagging.alpha } }
