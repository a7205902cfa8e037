"""The demo behind `make demo`: `python -m benchmarks.demo`."""
