"""Sums over trees: the matrix-tree theorem and Eisner's inside algorithm."""
