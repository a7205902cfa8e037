// The same student, from a tenth of the gold trees and from the teacher on all of the text.
local parsing = import "../lib/parsing.libsonnet";

parsing.tenth(import "distill.jsonnet")
