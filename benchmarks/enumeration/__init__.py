"""Brute force: every quantity over small sentences, by enumeration of all structures."""
