"""The single measurements, each of one kind; a benchmark puts some of them together."""
