# shellcheck shell=bash
# A release: a virtual environment in a folder of its own under /opt/mien. 'current' points to the one that runs.

readonly OPT=/opt/mien
readonly MODELS=$OPT/models
readonly MANIFEST=$OPT/installed.txt
# What a release is made of, where it is made of the source.
readonly SOURCE=(edge train quantize pyproject.toml README.md LICENSE)
# Two small wheels: the alarm's buzzer on a GPIO line, and figures for Prometheus.
readonly EXTRAS=gpio,metrics

# Notes what is put on the machine, once, before it is put there: uninstall goes by it.
record() {
    [[ $DRY_RUN == no ]] || return 0
    grep -qxF "$1 $2" "$MANIFEST" 2>/dev/null || printf '%s %s\n' "$1" "$2" >>"$MANIFEST"
}

# Sets BUNDLE (empty where the source is at hand) and what it was made for.
find_bundle() {
    BUNDLE_PYTHON=''
    [[ -n $BUNDLE || ! -f $TOP/bundle.txt ]] || BUNDLE=$TOP
    if [[ -z $BUNDLE ]]; then
        [[ -f $TOP/pyproject.toml ]] || die "nothing to install lies around $HERE: run deploy/install of a release's folder, or give --offline FOLDER"
        return
    fi
    [[ -f $BUNDLE/bundle.txt ]] || die "$BUNDLE: no bundle.txt in it: deploy/bundle makes such a folder"
    BUNDLE_PYTHON=$(bundle_says python)
}

bundle_says() { sed -n "s/^$1=//p" "$BUNDLE/bundle.txt"; }

# Nothing of a bundle is used before all of it has been held against its list.
check_bundle() {
    [[ $(bundle_says arch) == "$ARCH" ]] || die "$BUNDLE is for $(bundle_says arch), this machine is $ARCH: deploy/bundle --arch $ARCH makes one"
    say "Checking $BUNDLE …"
    (cd "$BUNDLE" && sha256sum --check --strict --quiet SHA256SUMS) ||
        die "$BUNDLE is damaged or was changed: copy it anew; nothing was installed"
}

# Sets RELEASE, the folder that this source or bundle becomes. The same again is the same folder; another Python isn't.
name_release() {
    local version hash
    if [[ -n $BUNDLE ]]; then
        version=$(bundle_says version)
        hash=$(sha256sum "$BUNDLE/SHA256SUMS")
    else
        version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$TOP/pyproject.toml")
        hash=$(cd "$TOP" && find "${SOURCE[@]}" deploy -name __pycache__ -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
    fi
    RELEASE=$OPT/$version-$PYTHON_TAG-${hash:0:8}
}

current_release() { readlink "$OPT/current" 2>/dev/null || true; }

# Builds RELEASE where it is not there yet. Its last file says that it is whole: what a power cut left is built anew.
build_release() {
    if [[ -f $RELEASE/.whole ]]; then
        say "$RELEASE is there already."
        return
    fi
    say "Building $RELEASE …"
    change rm -rf "$RELEASE"
    if [[ -n $BUNDLE ]]; then
        change "$PYTHON" -m venv --without-pip "$RELEASE"
        change "$RELEASE/bin/python" "$(echo "$BUNDLE"/wheels/pip-*.whl)/pip" --isolated --disable-pip-version-check install \
            --quiet --no-cache-dir --no-index --find-links "$BUNDLE/wheels" --require-hashes -r "$BUNDLE/requirements.txt"
    else
        change "$PYTHON" -m venv "$RELEASE"
        copy_source
        change "$RELEASE/bin/python" -m pip --disable-pip-version-check install \
            --quiet --no-cache-dir --only-binary=:all: --no-binary=mien "$SCRATCH/source[$EXTRAS]"
    fi
    change mkdir "$RELEASE/deploy"
    change cp -r "$HERE"/{install,lib,systemd,brokers,README.md} "$RELEASE/deploy/"
    change sync -f "$OPT"
    change touch "$RELEASE/.whole"
}

# pip builds inside the folder that it is given, and the technician's own should stay as it is.
copy_source() {
    change mkdir "$SCRATCH/source"
    change cp -r "${SOURCE[@]/#/$TOP/}" "$SCRATCH/source/"
}

# Has the new release run its models before anything points to it: a wheel that this processor cannot run shows here.
try_release() {
    change mkdir -p "$MODELS"
    [[ -z $BUNDLE ]] || change cp "$BUNDLE"/models/* "$MODELS/"
    change env MIEN_MODELS=$MODELS "$RELEASE/bin/mien" models install
    change env MIEN_MODELS=$MODELS XDG_DATA_HOME=/nonexistent "$RELEASE/bin/mien" models verify ||
        die "the models do not run in $RELEASE; what was installed before is untouched"
}

# Points 'current' to a release, in one step.
switch_to() {
    change ln -sfn "$(basename "$1")" "$OPT/current.new"
    change mv -T "$OPT/current.new" "$OPT/current"
}

# Keeps the release that runs and the one before it.
remove_old_releases() {
    local folder
    for folder in "$OPT"/*-cp*-*/; do
        folder=${folder%/}
        [[ ! -d $folder || $folder == "$RELEASE" || $folder == "$OPT/$1" ]] || change rm -rf "$folder"
    done
}
