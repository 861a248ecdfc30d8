# pair.sh - a pair of examnodes on loopback, for quickstart, the live tests and the benchmarks.
# To be sourced by bash scripts that have set -euo pipefail. Ends only processes that it started, by
# process id. Needs jq.
#
#   pair_init BIN DIR      programs, and an existing folder for configurations, data and logs
#   pair_configure [SOLO_AFTER_MS]   writes A.conf and B.conf with free ports
#   pair_configure_relayed [SOLO_AFTER_MS]   the same with a relay (socat) on each replica path
#   paths_open, paths_cut  starts and ends the relays: both nodes live, and do not hear of each other
#   node_start NAME        starts it; returns when it says that it is ready, fails when it ends before
#   node_kill NAME [SIG]   ends it (default KILL) and waits for the end; status in NODE_STATUS
#   node_is_up NAME, node_has_ended NAME
#   pair_stop              ends all nodes that are still up, in order; what ended badly, or what a sanitizer
#                          wrote into a log, is added to PAIR_FAILURES
#   ctl ARGS...            examctl on both nodes
#   wait_until SECONDS WHAT COMMAND...   until the command succeeds, or fails with a text
#   pair_is_dual           true when one node serves and its standby is in sync
#   is_solo NAME, node_has_role NAME ROLE
#
# Everything is encrypted, and everybody proves who they are, with keys in DIR/keys of which examctl and
# seatsim are told by the environment; an address of a node has its name in front (A@127.0.0.1:21000).
# What is personal is sealed in the nodes' logs, and each node has the data key from its start; with
# PAIR_LOCKED (not empty) somebody has to bring it (`ctl unlock`).
# With PAIR_PLAIN (not empty) there are no keys. PAIR_ROOMS: the rooms whose seats have keys.
#
# WAIT_FACTOR (environment, default 1) stretches every time limit: sanitized builds are slower.

declare -A NODE_PID=() NODE_SEAT=() NODE_ADMIN=() NODE_REPLICA=() NODE_PATH=() PATH_PID=()
NODE_STATUS=0 PAIR_FAILURES=
PAIR_BIN= PAIR_DIR= PAIR_KEYS=
: "${PAIR_PLAIN:=}"
: "${PAIR_LOCKED:=}"
: "${PAIR_ROOMS:=$(dirname "${BASH_SOURCE[0]}")/../../ops/sample/rooms.csv}"
: "${WAIT_FACTOR:=1}"

pair_init() {
    PAIR_BIN=$1 PAIR_DIR=$2
    export EXAMCTL_WHO=${EXAMCTL_WHO:-operator}
    if [ -z "$PAIR_PLAIN" ]; then keys_make; fi
}

keys_make() {
    PAIR_KEYS=$PAIR_DIR/keys
    "$PAIR_BIN/examctl" site init --keys "$PAIR_KEYS" --rooms "$PAIR_ROOMS" --node A,B,C --person "$EXAMCTL_WHO" --no-password >/dev/null
    export EXAMCTL_KEY_FILE=$PAIR_KEYS/people/$EXAMCTL_WHO.key EXAMCTL_KEY_ROSTER=$PAIR_KEYS/roster
    export SEATSIM_KEYS=$PAIR_KEYS
}

# Ports are given out in blocks, below the range that outgoing connections are given. Who has a block holds a
# lock on it, and so do the processes started after that: a test that runs beside this one gets none of its
# ports, though nobody may listen there at times.
PORT_FIRST=20000 PORTS_IN_BLOCK=40 PORT_BLOCKS=300
port_next=0 port_last=-1

port_block_take() {
    local dir=/tmp/shunyan-ports-$UID block try lock
    mkdir -p -m 700 "$dir"
    [ -O "$dir" ] || {
        echo "$dir is somebody else's: ports cannot be locked there" >&2
        return 1
    }
    for ((try = 0; try < 4 * PORT_BLOCKS; try++)); do
        block=$((RANDOM % PORT_BLOCKS))
        exec {lock}>>"$dir/$block"
        if flock -n "$lock"; then
            port_next=$((PORT_FIRST + block * PORTS_IN_BLOCK)) port_last=$((port_next + PORTS_IN_BLOCK - 1))
            return 0
        fi
        exec {lock}>&-
    done
    echo "no free ports found; what has them is locked in $dir" >&2
    return 1
}

# A port in FREE_PORT that nobody listens on, nor will another script.
free_port() {
    while true; do
        [ $port_next -le $port_last ] || port_block_take || return 1
        FREE_PORT=$((port_next++))
        (exec 3<>"/dev/tcp/127.0.0.1/$FREE_PORT") 2>/dev/null || return 0
    done
}

# Whether somebody listens there, found out without a connection: a relay that takes one only keeps it.
port_listens() { # PORT on 127.0.0.1
    grep -qi "^ *[0-9]*: 0100007F:$(printf %04X "$1") 00000000:0000 0A" /proc/net/tcp
}

node_configure() { # NAME SOLO_AFTER_MS PEER...
    local name=$1 solo_after_ms=$2 peer
    shift 2
    {
        echo "node = \"$name\""
        echo "data = \"$PAIR_DIR/$name\""
        echo "seat-listen = \"${NODE_SEAT[$name]#*@}\""
        echo "admin-listen = \"${NODE_ADMIN[$name]#*@}\""
        echo "replica-listen = \"${NODE_REPLICA[$name]}\""
        for peer in "$@"; do
            echo "peer \"$peer\" { replica = \"${NODE_PATH[$peer]:-${NODE_REPLICA[$peer]}}\" }"
        done
        echo "solo-after-ms = $solo_after_ms"
        echo "reserve-mib = ${RESERVE_MIB:-64}"
        if [ -n "$PAIR_KEYS" ]; then
            echo "key-file = \"$PAIR_KEYS/nodes/$name.key\""
            echo "key-roster = \"$PAIR_KEYS/roster\""
            if [ -z "$PAIR_LOCKED" ] && [ -e "$PAIR_KEYS/data-key" ]; then
                echo "unlock-credential = \"$PAIR_KEYS/data-key\""
            fi
        fi
    } >"$PAIR_DIR/$name.conf"
}

node_ports() { # NAME
    free_port && NODE_SEAT[$1]=${PAIR_KEYS:+$1@}127.0.0.1:$FREE_PORT
    free_port && NODE_ADMIN[$1]=${PAIR_KEYS:+$1@}127.0.0.1:$FREE_PORT
    free_port && NODE_REPLICA[$1]=127.0.0.1:$FREE_PORT
}

pair_configure() {
    node_ports A
    node_ports B
    node_configure A "${1:-2000}" B
    node_configure B "${1:-2000}" A
    SEAT_NODES=${NODE_SEAT[A]},${NODE_SEAT[B]}
    ADMIN_NODES=${NODE_ADMIN[A]},${NODE_ADMIN[B]}
}

pair_configure_relayed() {
    local name
    for name in A B; do
        free_port && NODE_PATH[$name]=127.0.0.1:$FREE_PORT
    done
    pair_configure "$@"
    paths_open
}

# A relay makes a child a connection: each has a process group of its own, and is ended with it.
paths_open() {
    local name
    for name in "${!NODE_PATH[@]}"; do
        setsid socat "TCP-LISTEN:${NODE_PATH[$name]##*:},bind=127.0.0.1,reuseaddr,fork" \
            "TCP:${NODE_REPLICA[$name]}" >>"$PAIR_DIR/paths.log" 2>&1 &
        PATH_PID[$name]=$!
    done
}

paths_cut() {
    local name
    for name in "${!PATH_PID[@]}"; do
        kill -KILL -- "-${PATH_PID[$name]}" 2>/dev/null || kill -KILL "${PATH_PID[$name]}" 2>/dev/null || true
        wait "${PATH_PID[$name]}" 2>/dev/null || true
    done
    PATH_PID=()
}

node_is_up() {
    [ -n "${NODE_PID[$1]:-}" ] && kill -0 "${NODE_PID[$1]}" 2>/dev/null
}

# By itself; nobody has waited for it yet.
node_has_ended() {
    [ "$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/${NODE_PID[$1]}/status" 2>/dev/null)" = Z ] ||
        ! node_is_up "$1"
}

node_start() {
    local name=$1 log=$PAIR_DIR/$1.log from end
    touch "$log"
    from=$(stat -c %s "$log")
    "$PAIR_BIN/examnode" --config "$PAIR_DIR/$name.conf" >>"$log" 2>&1 &
    NODE_PID[$name]=$!
    end=$((SECONDS + 20 * WAIT_FACTOR))
    until tail -c "+$((from + 1))" "$log" | grep -q 'event=ready'; do
        if ! node_is_up "$name"; then
            echo "node $name ended at once; its log is $log:" >&2
            tail -c "+$((from + 1))" "$log" | tail -n 5 >&2
            return 1
        fi
        if [ $SECONDS -ge $end ]; then
            echo "node $name is not ready after $((20 * WAIT_FACTOR)) s; its log is $log" >&2
            return 1
        fi
        sleep 0.05
    done
}

node_kill() {
    local name=$1 sig=${2:-KILL}
    NODE_STATUS=0
    if node_is_up "$name"; then kill -"$sig" "${NODE_PID[$name]}"; fi
    wait "${NODE_PID[$name]}" 2>/dev/null || NODE_STATUS=$?
    NODE_PID[$name]=
}

# For every way out of a script: nothing that was started here may be left.
pair_stop() {
    local name pid end status
    for name in "${!NODE_PID[@]}"; do
        pid=${NODE_PID[$name]}
        [ -n "$pid" ] && kill -TERM "$pid" 2>/dev/null || true
    done
    end=$((SECONDS + 10 * WAIT_FACTOR))
    for name in "${!NODE_PID[@]}"; do
        pid=${NODE_PID[$name]}
        [ -n "$pid" ] || continue
        while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $end ]; do sleep 0.05; done
        kill -KILL "$pid" 2>/dev/null || true
        status=0
        wait "$pid" 2>/dev/null || status=$?
        [ $status = 0 ] || PAIR_FAILURES="$PAIR_FAILURES node $name ended with $status;"
        NODE_PID[$name]=
    done
    paths_cut
    for name in "$PAIR_DIR"/*.log; do
        if grep -Eqs 'Sanitizer|runtime error:' "$name"; then
            PAIR_FAILURES="$PAIR_FAILURES a sanitizer's report is in $name;"
        fi
    done
}

ctl() {
    "$PAIR_BIN/examctl" --nodes "$ADMIN_NODES" "$@"
}

wait_until() {
    local limit_s=$(($1 * WAIT_FACTOR)) what=$2 end
    shift 2
    end=$((SECONDS + limit_s))
    until "$@" >/dev/null 2>&1; do
        if [ $SECONDS -ge $end ]; then
            echo "waited $limit_s s in vain: $what" >&2
            return 1
        fi
        sleep 0.05
    done
}

# What of status matters here, by a jq expression over {"nodes": [...]}.
status_is() {
    ctl status --json 2>/dev/null | jq -e "$1" >/dev/null
}

pair_is_dual() {
    status_is '.nodes | any(.role == "primary" and .solo == false and .waiting == false and
               (.peers | length > 0) and (.peers | all(.in_sync)))'
}

node_has_role() { # NAME ROLE
    status_is ".nodes | any(.node == \"$1\" and .role == \"$2\")"
}

is_solo() { # NAME: it serves, alone
    status_is ".nodes | any(.node == \"$1\" and .role == \"primary\" and .solo)"
}

now_ms() {
    date +%s%3N
}
