"""ONNX networks that are run with care, and the layout of their batches."""
