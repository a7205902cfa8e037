"""Splits a corpus into pieces and runs a task on each, in one process, in several, or on a Dask
cluster.

Two commands use it: `allennlp kd-score-corpus` scores with a teacher, `python -m spacy_bridge annotate` annotates
with a packaged student. It needs only the standard library; Dask and PyArrow are imported when used.
"""
