# shellcheck shell=bash
# Users, folders, configuration and units.

readonly STATE=/var/lib/mien
readonly CONFIG=/etc/mien/mien.toml
readonly UNITS=/etc/systemd/system
readonly SERVICES=(mien-vision@mien.service mien-publish.service)

make_users() {
    [[ -d /etc/sysusers.d ]] || record dir /etc/sysusers.d
    record file /etc/sysusers.d/mien.conf
    record group mien
    record user mien-vision
    record user mien-publish
    change install -D -m 644 "$1/deploy/systemd/mien.sysusers" /etc/sysusers.d/mien.conf
    change systemd-sysusers /etc/sysusers.d/mien.conf
}

# The state folder's files belong to the group, whichever of the two made them.
make_state() {
    record data $STATE
    change install -d -m 2770 -o root -g mien $STATE
}

# Writes the configuration of a new device; one that is there is the technician's.
make_config() {
    record data /etc/mien
    change install -d -m 750 -o root -g mien /etc/mien
    if [[ -f $CONFIG ]]; then
        [[ -z $PRESET$CAMERA$BROKER$DEVICE ]] ||
            die "$CONFIG is there and stays: change it there, then: sudo systemctl restart mien.target"
        return
    fi
    DEVICE=${DEVICE:-mien-$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')}
    write $CONFIG 640 mien <<TOML
# This device, as mien-vision and mien-publish read it. Every key with its meaning: mien config init
# After a change: sudo mien config check $CONFIG && sudo systemctl restart mien.target
preset = $(toml "${PRESET:-driver}")
device = $(toml "$DEVICE")

[camera]
source = $(toml "${CAMERA:-0}")

[broker]
url = $(toml "${BROKER:-mqtt://localhost:1883}")

[outbox]
path = "$STATE/outbox.db"
TOML
}

toml() {
    local text=${1//\\/\\\\}
    printf '"%s"' "${text//\"/\\\"}"
}

# With the new release's own rules, before anything points to it.
check_config() {
    change "$RELEASE/bin/mien" config check --quiet $CONFIG ||
        die "$CONFIG does not fit this release: mend it and run this again; what was installed before is untouched"
}

install_units() {
    local unit
    for unit in mien.target mien-vision@.service mien-publish.service; do
        record file "$UNITS/$unit"
        change install -m 644 "$1/deploy/systemd/$unit" "$UNITS/$unit"
    done
    record file /usr/local/bin/mien
    change install -D -m 755 "$1/deploy/lib/mien.sh" /usr/local/bin/mien
    ! is_booted || change systemctl daemon-reload
}

enable_units() {
    local link
    record dir $UNITS/mien.target.wants
    for link in multi-user.target.wants/mien.target mien.target.wants/{mien-vision@mien,mien-publish}.service; do
        record link "$UNITS/$link"
    done
    change systemctl --quiet enable mien.target "${SERVICES[@]}"
}

# Whether a systemd runs here; in a tree that becomes an image, none does.
is_booted() { [[ -d /run/systemd/system ]]; }

running_services() {
    local service
    for service in "${SERVICES[@]}"; do
        ! systemctl is-active --quiet "$service" || echo "$service"
    done
}

# Waits until these services run, and go on running without a restart.
keep_running() {
    local deadline=$((SECONDS + 90)) steady_since=-1 now restarts='' before=''
    (($# > 0)) || return 0
    while ((SECONDS < deadline)); do
        restarts=$(systemctl show --property=NRestarts --value "$@" | tr '\n' ' ')
        if systemctl is-active --quiet "$@" && all_active "$@" && [[ $restarts == "$before" ]]; then
            now=$SECONDS
            ((steady_since >= 0)) || steady_since=$now
            ((now - steady_since < 10)) || return 0
        else
            steady_since=-1
        fi
        before=$restarts
        sleep 1
    done
    return 1
}

# is-active of several is content with one.
all_active() {
    local service
    for service in "$@"; do systemctl is-active --quiet "$service" || return 1; done
}
