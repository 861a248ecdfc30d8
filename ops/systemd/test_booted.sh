#!/usr/bin/env bash
# test_booted.sh - boots systemd in a container whose /usr is this machine's, and has it run a pair of nodes
# from what `cmake --install` puts there; booted_day.sh is the day. Skipped, and says so, where no system can
# be booted: that takes root and systemd-nspawn (Debian: systemd-container).
#
#   test_booted.sh BUILD_DIR CMAKE SOURCE_DIR
set -euo pipefail
build=$(cd "$1" && pwd) cmake=$2 source=$(cd "$3" && pwd)

skip() {
    echo "skipped: $*"
    exit 77
}
[ "$(id -u)" = 0 ] || skip "only root can make a container"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is not installed"

work=$(mktemp -d -p /var/tmp) # systemd keeps no key for credentials on a temporary file system
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/day" "$work/state"

# Boots a container that runs COMMAND as its only purpose; what it says is in day/said, and day/done is there
# when it succeeded.
contain() { # SECONDS COMMAND OPTION...
    local limit_s=$1 command=$2
    shift 2
    cat >"$work/day.service" <<END
[Unit]
Wants=basic.target dbus.service
After=basic.target dbus.service
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=$command
ExecStart=/usr/bin/touch /day/done
StandardOutput=append:/day/said
StandardError=append:/day/said
END
    rm -f "$work/day"/*
    timeout --kill-after=10 "$limit_s" systemd-nspawn --quiet --register=no --keep-unit --private-network \
        --directory=/ --volatile=yes --bind-ro=/etc/alternatives --bind="$work/day:/day" \
        --bind="$work/state:/var/lib/systemd"         --bind-ro="$work/day.service:/etc/systemd/system/day.service" "$@" --console=read-only \
        --boot -- systemd.firstboot=no --unit=day.service </dev/null >"$work/boot.log" 2>&1 || true
    [ -e "$work/day/done" ]
}

contain 60 /usr/bin/true || {
    tail -n 3 "$work/boot.log"
    skip "no system boots in a container here"
}

DESTDIR=$work/installed "$cmake" --install "$build" >"$work/install.log" || {
    cat "$work/install.log"
    exit 1
}
ok=1
contain 240 "/src/ops/systemd/booted_day.sh /build/bin" --bind-ro="$work/installed/usr/local:/usr/local" \
    --bind-ro="$source:/src" --bind-ro="$build:/build" || ok=0
cat "$work/day/said" || true
if [ $ok = 0 ]; then
    echo "test_booted: the day did not end well; the end of what systemd said:" >&2
    tail -n 30 "$work/boot.log" >&2
    exit 1
fi
