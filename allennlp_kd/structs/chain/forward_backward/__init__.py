"""The forward-backward algorithm over ragged batches."""
