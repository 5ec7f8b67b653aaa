# shellcheck shell=bash
# Talking to the technician, and doing things only where this is no dry run.

say() { printf '%s\n' "$*"; }

# What went wrong and the way out, on one line.
die() {
    printf 'install: %s\n' "$*" >&2
    exit 2
}

# Runs a command that changes something; a dry run prints it instead.
change() {
    if [[ $DRY_RUN == yes ]]; then
        printf '  would run:'
        printf ' %q' "$@"
        echo
    else
        "$@"
    fi
}

# Writes standard input to a file in one step: whoever reads it sees the old one or the new one, never half of it.
write() {
    local path=$1 mode=$2 group=$3 fresh
    if [[ $DRY_RUN == yes ]]; then
        printf '  would write: %s (%s)\n' "$path" "$mode"
        sed 's/^/    | /'
        return
    fi
    fresh=$(mktemp "$path.XXXXXX")
    cat >"$fresh"
    chmod "$mode" "$fresh"
    chgrp "$group" "$fresh"
    sync "$fresh"
    mv -f "$fresh" "$path"
}

# Whether to go on; yes where nobody can be asked.
agreed() {
    local answer
    [[ $YES == yes || $DRY_RUN == yes || ! -t 0 ]] && return
    read -r -p "$1 [Y/n] " answer
    [[ ${answer,,} != n* ]]
}
