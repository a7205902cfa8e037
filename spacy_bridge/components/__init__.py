"""Components for spaCy's pipelines. Importing one needs spaCy and numpy alone."""
