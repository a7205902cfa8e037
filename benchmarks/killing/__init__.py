"""What `python -m benchmarks kills` is made of."""
