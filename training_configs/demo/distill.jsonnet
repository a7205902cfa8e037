// The same student, trained on gold tags and the teacher.
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

tagging.distilled(task, import "student.jsonnet")
