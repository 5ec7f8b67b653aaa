# shellcheck shell=bash
# Takes away what the manifest lists; the device's data only with --purge.

uninstall() {
    local kind path
    [[ -f $MANIFEST ]] || die "no $MANIFEST: nothing is installed here"
    agreed "Remove mien from this machine$([[ $PURGE == no ]] || echo ', its configuration and its events')?" || die "left as it is"
    if is_booted; then change systemctl stop mien.target 'mien-vision@*.service' mien-publish.service; fi
    change systemctl --quiet disable mien.target "${SERVICES[@]}"
    # The last put is the first taken away.
    tac "$MANIFEST" >"$SCRATCH/manifest"
    while read -r kind path; do
        take_away "$kind" "$path"
    done <"$SCRATCH/manifest"
    if is_booted; then change systemctl daemon-reload; fi
    if [[ $PURGE == yes ]]; then
        say "mien is gone, and so are its configuration and its events."
    else
        say "mien is gone. Kept: /etc/mien, $STATE and the users that own what lies there; 'install' finds them again."
        say "To remove those too: rm -r /etc/mien $STATE; userdel mien-vision; userdel mien-publish; groupdel mien"
    fi
}

take_away() {
    local kind=$1 path=$2
    case $kind in
        file | link) change rm -f "$path" ;;
        dir) [[ ! -d $path ]] || change rmdir --ignore-fail-on-non-empty "$path" ;;
        tree) change rm -rf "$path" ;;
        data) [[ $PURGE == no ]] || change rm -rf "$path" ;;
        # What they own stays; another user must not get their numbers, and with them their files.
        user) [[ $PURGE == no ]] || ! getent passwd "$path" >/dev/null || change userdel "$path" ;;
        group) [[ $PURGE == no ]] || ! getent group "$path" >/dev/null || change groupdel "$path" ;;
        *) die "$MANIFEST: '$kind $path' is no line of ours" ;;
    esac
}
