"""What the benchmarks measure on: data, models, potentials."""
