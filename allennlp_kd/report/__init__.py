"""Compares a teacher and its students: numbers, plots and an HTML page."""
