"""Shards a corpus and runs a task on each piece: in this process, in several, or on a Dask cluster.

Two commands use it: `allennlp kd-score-corpus` scores with a teacher, `python -m spacy_bridge annotate` annotates
with a packaged student. It needs the standard library alone; Dask and PyArrow are imported when used.
"""
