"""Converters that talk, hushed; their progress on one line of ours."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def hushed() -> Iterator[TextIO]:
    """Nothing that native code or a library's print says is seen, but for what is written to the file this yields.

    TensorFlow lists every variable on standard output and its converter's settings on file descriptor 2, and has no
    switch for either. What goes wrong comes as an exception as well. ai-edge-quantizer's progress bar, which it draws
    on any standard error, is seen on a terminal alone.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with contextlib.ExitStack() as stack:
        terminal = stack.enter_context(os.fdopen(os.dup(kept), "w"))
        stack.callback(os.close, kept)
        nowhere = stack.enter_context(Path(os.devnull).open("wb"))
        os.dup2(nowhere.fileno(), 2)
        stack.callback(os.dup2, kept, 2)
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(terminal if terminal.isatty() else io.StringIO()))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore", UserWarning)
        yield terminal
