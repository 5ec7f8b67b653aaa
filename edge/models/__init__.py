"""The model files: the expression bundle ships in this package, the face models are installed in the data folder."""

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
    "FaceModel",
    "ModelStatus",
    "ModelsError",
    "face_models_folder",
    "require_face_models",
    "shipped_expression",
    "status",
]
