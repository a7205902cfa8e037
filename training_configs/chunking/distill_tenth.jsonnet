// The same student, with a tenth of the gold tags and the teacher on all of the text.
local tagging = import "../lib/tagging.libsonnet";

tagging.tenth(import "distill.jsonnet")
