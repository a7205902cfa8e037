// The same student, trained on gold trees and the teacher.
local parsing = import "../../lib/parsing.libsonnet";
local task = import "task.libsonnet";

parsing.distilled(task, import "student.jsonnet")
