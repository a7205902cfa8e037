"""Opens archives of unknown origin safely; does not import AllenNLP.

What is refused always: files that are not plain ones inside the archive, more of them than any model
has, weights that are more than tensors, a configuration that is not JSON. What is refused unless the
archive is trusted: a configuration that imports, or that opens what is not in the archive.
"""
