"""Components for spaCy pipelines. Importing them needs only spaCy and NumPy."""
