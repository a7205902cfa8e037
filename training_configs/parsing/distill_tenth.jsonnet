// The same student, with a tenth of the gold trees and the teacher on all of the text.
local parsing = import "../lib/parsing.libsonnet";

parsing.tenth(import "distill.jsonnet")
