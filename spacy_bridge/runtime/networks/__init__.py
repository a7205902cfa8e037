"""Runs ONNX networks safely, and lays out their batches."""
