#!/bin/sh
# mien as it is installed here: with its models and, where this device is asked about, with its configuration and as
# the user whose rights its service has.
export MIEN_MODELS=/opt/mien/models XDG_DATA_HOME=/var/lib
mien=/opt/mien/current/bin/mien
case "${1-}" in
    doctor | status)
        case " $* " in
            *" --config"* | *" --help "* | *" -h "*) ;;
            *) set -- "$@" --config /etc/mien/mien.toml ;;
        esac
        if [ "$(id -u)" = 0 ]; then
            cd /var/lib/mien && exec runuser -u mien-vision -- "$mien" "$@"
        fi
        ;;
esac
exec "$mien" "$@"
