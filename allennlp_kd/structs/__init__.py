"""Potentials and algorithms over them in pure torch: linear chains (`chain`) and dependency trees
(`tree`).
"""
