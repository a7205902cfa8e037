"""Packages a student's archive as a spaCy pipeline. Needs torch (to read the weights) and onnx."""
