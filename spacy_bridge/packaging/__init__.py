"""From a student's archive to a pipeline. Needs torch (to read the weights) and onnx."""
