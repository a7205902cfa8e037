"""A corpus cut into pieces that any number of processes work on, here or on a Dask cluster.

Both sides use it: scoring with a teacher (`allennlp_kd.cluster`) and annotating with a packaged student
(`spacy_bridge.corpus`). It stands on the standard library; Dask and PyArrow are imported when asked for.
"""
