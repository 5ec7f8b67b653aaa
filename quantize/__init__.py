"""Quantizing: a Keras model in, a checked int8 bundle out (``pip install mien[train]``)."""
