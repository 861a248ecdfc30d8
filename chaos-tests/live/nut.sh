# nut.sh - a upsd of Network UPS Tools with simulated UPSs (its dummy-ups driver), for live tests. To be
# sourced after pair.sh. Runs in the test's own folder, on a free port of loopback; ends only what it
# started.
#
#   nut_available          false: nut-server is not installed
#   nut_begin NAME...      UPSs of these names, all on mains; the port in NUT_PORT
#   ups_says NAME STATUS   from now on its ups.status ("OL", "OB", "OB LB")
#   ups_is NAME STATUS     true when upsd tells that
#   driver_signal NAME SIG
#   upsd_start, upsd_kill
#   nut_end                for every way out

declare -A NUT_DRIVER=()
NUT_UPSD= NUT_PORT=
# The programs themselves: /sbin/upsd of Debian is a script that reads /etc/nut.
NUT_UPSD_PATH=/lib/nut/upsd NUT_DRIVER_PATH=/lib/nut/dummy-ups

nut_available() {
    [ -x "$NUT_UPSD_PATH" ] && [ -x "$NUT_DRIVER_PATH" ]
}

ups_says() {
    # By rename: the driver must not read half of it. It opens the file anew in its "loop" mode only.
    printf 'ups.status: %s\nTIMER 1\n' "$2" >"$NUT_CONFPATH/$1.new"
    mv "$NUT_CONFPATH/$1.new" "$NUT_CONFPATH/$1.dev"
}

# What upsd tells, asked in its own protocol: the driver takes a second or two to notice a change.
ups_is() {
    local answer=
    exec 9<>"/dev/tcp/127.0.0.1/$NUT_PORT" || return 1
    printf 'GET VAR %s ups.status\n' "$1" >&9
    read -r -t 5 answer <&9 || true
    exec 9>&-
    [ "$answer" = "VAR $1 ups.status \"$2\"" ]
}

upsd_start() {
    "$NUT_UPSD_PATH" -u root -F >>"$PAIR_DIR/upsd.out" 2>&1 &
    NUT_UPSD=$!
}

upsd_kill() {
    kill -KILL "$NUT_UPSD" 2>/dev/null || true
    wait "$NUT_UPSD" 2>/dev/null || true
    NUT_UPSD=
}

driver_signal() {
    kill -"$2" "${NUT_DRIVER[$1]}"
}

nut_begin() {
    local name
    # In /tmp itself, because the drivers' sockets need a short path.
    NUT_CONFPATH=$(mktemp -d /tmp/nut-XXXXXX)
    export NUT_CONFPATH NUT_STATEPATH=$NUT_CONFPATH NUT_ALTPIDPATH=$NUT_CONFPATH
    free_port && NUT_PORT=$FREE_PORT
    printf 'LISTEN 127.0.0.1 %s\nMAXAGE 3\n' "$NUT_PORT" >"$NUT_CONFPATH/upsd.conf"
    : >"$NUT_CONFPATH/upsd.users"
    echo 'pollinterval = 1' >"$NUT_CONFPATH/ups.conf"
    for name in "$@"; do
        printf '[%s]\n  driver = dummy-ups\n  port = %s/%s.dev\n  mode = dummy-loop\n' \
            "$name" "$NUT_CONFPATH" "$name" >>"$NUT_CONFPATH/ups.conf"
        ups_says "$name" OL
    done
    for name in "$@"; do
        "$NUT_DRIVER_PATH" -a "$name" -u root -F >>"$PAIR_DIR/upsd.out" 2>&1 &
        NUT_DRIVER[$name]=$!
    done
    upsd_start
}

nut_end() {
    local name
    for name in "${!NUT_DRIVER[@]}"; do
        kill -KILL "${NUT_DRIVER[$name]}" 2>/dev/null || true
        wait "${NUT_DRIVER[$name]}" 2>/dev/null || true
    done
    [ -z "$NUT_UPSD" ] || upsd_kill
    [ -z "${NUT_CONFPATH:-}" ] || rm -rf "$NUT_CONFPATH"
}
