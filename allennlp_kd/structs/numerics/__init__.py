"""Numerics for chains and trees: precision, caching, log probabilities and checks."""
