"""Readers of face-expression data sets, each giving a :class:`~train.data.faces.Faces`; :func:`load` knows them all."""

from train.data.faces import CLASSES, DataError, Faces, LeftOut, LoadReport, Split, soft_targets
from train.data.fer2013 import load_fer2013
from train.data.inspection import inspect
from train.data.load import load

__all__ = [
    "CLASSES",
    "DataError",
    "Faces",
    "LeftOut",
    "LoadReport",
    "Split",
    "inspect",
    "load",
    "load_fer2013",
    "soft_targets",
]
