"""The model files: the face models, and the expression models with what vouches for each.

The face models are installed in the data folder; one expression bundle ships in this package, others are the user's.
"""

from edge.models.bundle import Bundle, load_bundle
from edge.models.files import (
    FACE_MODELS,
    FaceModel,
    ModelsError,
    ModelStatus,
    face_models_folder,
    require_face_models,
    shipped_expression,
    status,
)

__all__ = [
    "FACE_MODELS",
    "Bundle",
    "FaceModel",
    "ModelStatus",
    "ModelsError",
    "face_models_folder",
    "load_bundle",
    "require_face_models",
    "shipped_expression",
    "status",
]
