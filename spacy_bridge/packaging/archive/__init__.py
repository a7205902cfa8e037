"""Reads a student's archive without AllenNLP."""
