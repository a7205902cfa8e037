"""Computes word vectors."""
