"""Readers of face-expression data sets, each giving a :class:`~train.data.faces.Faces`."""

from train.data.faces import CLASSES, DataError, Faces, Split, soft_targets
from train.data.fer2013 import load_fer2013

__all__ = ["CLASSES", "DataError", "Faces", "Split", "load_fer2013", "soft_targets"]
