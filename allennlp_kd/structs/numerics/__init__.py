"""Precision, caching, log probabilities and checks that chains and trees share."""
