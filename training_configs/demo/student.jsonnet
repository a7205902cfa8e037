// The student of the size `small`, trained on gold tags only.
local sizes = import "../lib/sizes.libsonnet";
local tagging = import "../lib/tagging.libsonnet";
local task = import "task.libsonnet";

// It has no vocabulary of words, so there is nothing to count.
tagging.student_convolutions(task { vocabulary:: null }, sizes.small.tagging + task.short, "task")
