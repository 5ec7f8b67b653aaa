"""Which expression model runs: where the models on the disk and the vision that runs them meet."""

from __future__ import annotations

import logging
from pathlib import Path

from edge.errors import MienError
from edge.models.bundle import Bundle, load_bundle
from edge.models.files import shipped_expression
from edge.models.store import SHIPPED, activate, active, expression_models_folder, find, install
from edge.vision.expression import ExpressionModel
from edge.vision.settings import VisionSettings
from edge.vision.trial import try_in_child

log = logging.getLogger(__name__)


def open_expression(settings: VisionSettings) -> ExpressionModel:
    """The configured expression model, else the active one, else the one that ships.

    Where the chosen one is missing, damaged or fails its self-test, the one that ships takes over, a warning says
    so in one line, and ``fallback`` keeps the reason. Raises MienError where the one that ships is damaged itself.
    """
    try:
        chosen = find(settings.expression_model) if settings.expression_model else active()
        if chosen is not None:
            return ExpressionModel(chosen, settings.model_threads, allow_unverified=settings.allow_unverified)
    except MienError as error:
        log.warning("%s (the expression model that ships takes over)", error)
        return ExpressionModel(shipped_expression(), settings.model_threads, fallback=str(error))
    return ExpressionModel(shipped_expression(), settings.model_threads)


def verify(path: Path, *, allow_unverified: bool = False) -> Bundle:
    """Everything that loading a model checks, and in a child process before, whether it crashes the interpreter.

    Raises MienError, in one line naming the file.
    """
    bundle = load_bundle(path, allow_unverified=allow_unverified)
    if bundle.manifest is not None:  # a bare one is tried by ExpressionModel itself
        try_in_child(bundle.content, str(bundle.path))
    ExpressionModel(bundle, threads=1)
    return bundle


def use(name: str, *, allow_unverified: bool = False, force: bool = False) -> str:
    """Verifies a model, installs it where it is not yet, and makes it active; returns its name.

    name: ``shipped``, an installed model's name, or a path. force: replace another of the same name.
    Raises MienError, in one line; the active model is then as it was.
    """
    path = find(name)
    bundle = verify(path, allow_unverified=allow_unverified)
    if path.resolve() == shipped_expression().resolve():
        chosen = SHIPPED
    elif path.absolute().parent == expression_models_folder():
        chosen = path.name
    else:
        chosen = install(bundle, force=force)
    activate(chosen)
    return chosen
