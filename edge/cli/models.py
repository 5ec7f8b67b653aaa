"""``mien models``: the models on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge.cli.options import Commands
from edge.errors import MienError


def add(commands: Commands) -> None:
    """Makes them."""
    models = commands.group(
        "models",
        help="install, list, verify and choose the models",
        description="The face models (MediaPipe's) and the expression models (mien's own and yours).",
    )
    install = models.add(
        "install",
        _install,
        help="fetch MediaPipe's face models",
        description="Takes the face detector, face mesh and iris models out of mediapipe's wheel, checks their "
        "sha256 and puts them into the user's data folder (or $MIEN_MODELS).",
    )
    install.add_argument("--wheel", type=Path, metavar="FILE", help="a mediapipe wheel at hand, instead of the index")
    install.add_argument("--force", action="store_true", help="install anew even where all is right")
    models.add(
        "list",
        _list,
        help="which models are there",
        description="Shows the face models and the expression models: which is active (*), its accuracy on FER2013's "
        "PrivateTest as int8, its temperature. Hashes are looked at; mien models verify also runs them.",
    )
    verify = models.add(
        "verify",
        _verify,
        help="check models: seal, hash, shapes, self-test",
        description="Checks each model and says so in a line: an expression model's manifest (schema, seal), its hash, "
        "shapes and answers to its golden faces, tried in a process of its own first; a face model's hash. "
        "Exit code 1 where one fails.",
    )
    verify.add_argument(
        "models",
        nargs="*",
        metavar="NAME|PATH",
        help="shipped, an installed expression model, or a bundle's folder (default: all models that are there)",
    )
    _add_allow_unverified(verify)
    use = models.add(
        "use",
        _use,
        help="choose the expression model",
        description="Verifies an expression model, copies it into the user's data folder where it is not there yet, "
        "and has it run from the next start on. 'mien models use shipped' goes back to mien's own. Should the model "
        "be found damaged later, mien's own takes over and the device's info says why.",
    )
    use.add_argument("model", metavar="NAME|PATH", help="shipped, an installed model's name, or a bundle's folder")
    use.add_argument("--force", action="store_true", help="replace an installed model of the same name")
    _add_allow_unverified(use)


def _add_allow_unverified(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-unverified",
        action="store_true",
        help="also take a bare .tflite file without a manifest, tried in a process of its own first",
    )


def _install(arguments: argparse.Namespace) -> int:
    from edge.models import face_models_folder
    from edge.models.install import install

    done = install(wheel=arguments.wheel, force=arguments.force, progress=not arguments.quiet)
    if not arguments.quiet:
        print(f"{face_models_folder()}: {'installed' if done else 'all there already'}")
    return 0


def _list(_arguments: argparse.Namespace) -> int:
    from edge.models import face_models_folder, status
    from edge.models.store import expression_models_folder, listing

    print(f"face models in {face_models_folder()}")
    for face_model in status():
        print(f"  {face_model.state:8} {face_model.name}")
    print(f"expression models in {expression_models_folder()}, * is active")
    models = listing()
    width = max(len(model.name) for model in models)
    for model in models:
        says = "bare, unverified" if model.manifest is None else ""
        if model.problem is not None:
            says = model.problem
        elif model.manifest is not None:
            accuracy = "not measured" if model.int8_accuracy is None else f"{model.int8_accuracy:.1%}"
            says = f"int8 accuracy {accuracy}, temperature {model.manifest.temperature:g}, {model.manifest.name}"
        print(f"{'*' if model.active else ' '} {'damaged' if model.problem else 'ok':8} {model.name:{width}}  {says}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from edge.expression import verify
    from edge.models import face_models_folder, shipped_expression, status
    from edge.models.store import find, installed

    paths = [find(name) for name in arguments.models] or [shipped_expression(), *installed()]
    all_right = True
    if not arguments.models:
        for model in status():
            print(f"{model.state:8} {model.path}")
            all_right &= model.state == "ok"
        if not all_right:
            print(f"mien: {face_models_folder()}: run: mien models install --force", file=sys.stderr)
    for path in paths:
        try:
            verify(path, allow_unverified=arguments.allow_unverified)
        except MienError as error:
            print(f"failed   {error}")
            all_right = False
        else:
            print(f"ok       {path}")
    return 0 if all_right else 1


def _use(arguments: argparse.Namespace) -> int:
    from edge.expression import use

    name = use(arguments.model, allow_unverified=arguments.allow_unverified, force=arguments.force)
    if not arguments.quiet:
        print(f"{name}: runs from the next start on")
        if name.endswith(".tflite"):
            print("A bare model also needs, in the configuration: [vision] allow_unverified = true")
    return 0
