"""Archives of unknown origin, read with care; knows no AllenNLP.

What is refused always: files that are not plain ones inside of the archive, more of them than any model
has, weights that are more than tensors, a configuration that is not JSON. What is refused unless the
archive is trusted: a configuration that imports, or that opens what is not in the archive.
"""
