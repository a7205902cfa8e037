"""Runs a packaged student with NumPy and ONNX Runtime only."""
