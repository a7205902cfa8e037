// The student of the size `small`, trained on gold trees only.
local parsing = import "../../lib/parsing.libsonnet";
local sizes = import "../../lib/sizes.libsonnet";
local task = import "task.libsonnet";

parsing.student_convolutions(task, sizes.small.parsing + task.short, "task")
