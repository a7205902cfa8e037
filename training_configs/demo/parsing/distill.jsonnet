// The same student, trained on gold trees and the teacher.
local parsing = import "../../lib/parsing.libsonnet";
local sizes = import "../../lib/sizes.libsonnet";
local task = import "task.libsonnet";

parsing.distilled(task, import "student.jsonnet") { model+: { alpha: sizes.small.parsing.alpha } }
