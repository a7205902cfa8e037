"""What runs a packaged student: numpy and ONNX Runtime alone."""
