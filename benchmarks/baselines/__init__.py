"""spaCy pipelines trained without this package, for comparison."""
