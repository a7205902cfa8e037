"""Annotating a large corpus with a pipeline, in any number of processes on any number of machines."""
