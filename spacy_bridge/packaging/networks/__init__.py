"""Builds the ONNX networks of students."""
