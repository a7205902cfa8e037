// The same student, from a tenth of the gold tags and from the teacher on all of the text.
local tagging = import "../lib/tagging.libsonnet";

tagging.tenth(import "distill.jsonnet")
