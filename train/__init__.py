"""Training: FER2013 and FERPlus in, a Keras model and a report out.

Runs on a workstation (``pip install mien[train]``); nothing here is imported by the device. Everything a
training step executes is written against Keras 3 alone, so ``KERAS_BACKEND=tensorflow`` (the default) and
``jax`` train the same network.
"""
