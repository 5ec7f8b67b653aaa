#!/bin/sh
# Records what the mediapipe package reads in the pictures, in an environment of its own (.venv-mediapipe), and
# compares ours, in PYTHON's environment, with it. Exits 1 where they differ by more than compare.py's bounds.
set -eu
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-.venv/bin/python}
ORACLE=.venv-mediapipe

# mediapipe's last release with mp.solutions has wheels up to Python 3.12; mien starts at 3.11.
base_python() {
    for candidate in python3.12 python3.11 python3 "$PYTHON"; do
        if "$candidate" -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null
        then
            echo "$candidate"
            return
        fi
    done
    echo "parity needs Python 3.11 or 3.12 with its venv module, for mediapipe's environment" >&2
    exit 2
}

# The environment is made anew where what it takes has changed.
if ! cmp -s tests/parity/requirements.txt "$ORACLE/.ready"; then
    base=$(base_python)
    echo "Setting up $ORACLE (some 600 MB, once) …"
    "$base" -m venv --clear "$ORACLE"
    # Without its declared dependencies: jax and sound are never imported, and its OpenCV needs libGL, which the
    # headless one does not.
    "$ORACLE/bin/python" -m pip install --disable-pip-version-check -q --no-deps 'mediapipe<=0.10.21'
    "$ORACLE/bin/python" -m pip install --disable-pip-version-check -q -r tests/parity/requirements.txt \
        2>"$ORACLE/pip.log" || { cat "$ORACLE/pip.log" >&2; exit 1; }
    cp tests/parity/requirements.txt "$ORACLE/.ready"
fi

# mediapipe logs to stderr whatever happens.
"$ORACLE/bin/python" -m tests.parity.record "$ORACLE/recorded.json" 2>"$ORACLE/record.log" ||
    { cat "$ORACLE/record.log" >&2; exit 1; }
# What was recorded without the photos does not replace what was recorded with them.
if [ -d ../shared/data/photos ]; then
    cp "$ORACLE/recorded.json" tests/parity/expected.json
fi

"$ORACLE/bin/python" -m pytest -q -W ignore -p no:cacheprovider tests/vision/test_mediapipe_backend.py
"$PYTHON" -m tests.parity.compare "$ORACLE/recorded.json"
