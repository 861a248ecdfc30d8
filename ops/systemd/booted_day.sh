#!/usr/bin/env bash
# booted_day.sh - an exam day on a server that systemd has booted: both nodes run from the installed unit, under
# a user of their own, and open their log with an encrypted credential. One is killed: systemd starts it again.
# One is stopped: the other serves. One with a bad configuration is not tried again and again.
# For test_booted.sh, as root of a container.
# Usage: booted_day.sh BIN
set -euo pipefail
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$TOP/chaos-tests/live/pair.sh"
. "$TOP/chaos-tests/live/expect.sh"
SEATS=20

declare -A UNIT=([A]=examnode [B]=examnode-b)

# What this run of the node has said.
said() { # NAME
    journalctl --quiet --output=cat "_SYSTEMD_INVOCATION_ID=$(unit_is "$1" InvocationID)"
}

unit_is() { # NAME PROPERTY
    systemctl show --property="$2" --value "${UNIT[$1]}"
}

is_ready() {
    said "$1" | grep -q 'event=ready'
}

# As pair.sh's, by systemctl.
node_start() {
    systemctl start "${UNIT[$1]}"
    wait_until 20 "node $1 is ready" is_ready "$1"
}

node_stop() {
    systemctl stop "${UNIT[$1]}"
    expect_same success "$(unit_is "$1" Result)" "how node $1 ended"
}

was_restarted() { # NAME
    [ "$(unit_is "$1" NRestarts)" = 1 ] && is_ready "$1"
}

# The other server: the same unit, but for the names.
unit_make() { # NAME
    local from name=$1 credential=/etc/shunyan/$1.cred
    from=$(systemctl show --property=FragmentPath --value examnode)
    if [ "$name" != A ]; then
        sed "s/examnode\$/${UNIT[$name]}/; s#/etc/shunyan/node.conf#/etc/shunyan/$name.conf#; s/^User=.*/User=examnode/
            s/^Group=.*/Group=examnode/" "$from" >"/etc/systemd/system/${UNIT[$name]}.service"
    fi
    SYSTEMD_LOG_LEVEL=err systemd-creds encrypt --name=data-key "$PAIR_KEYS/data-key" "$credential"
    mkdir -p "/etc/systemd/system/${UNIT[$name]}.service.d"
    printf '[Service]\nLoadCredentialEncrypted=data-key:%s\n' "$credential" \
        >"/etc/systemd/system/${UNIT[$name]}.service.d/unlock.conf"
}

# What the node reads is in /etc/shunyan, and nothing of it is the node's to change but its key.
node_install() { # NAME CONF
    install -o examnode -g examnode -m 600 "$PAIR_KEYS/nodes/$1.key" "/etc/shunyan/$1.key"
    sed "s#^data = .*#data = \"/var/lib/${UNIT[$1]}\"#; s#$PAIR_KEYS/nodes/#/etc/shunyan/#; s#$PAIR_KEYS/roster#/etc/shunyan/roster#
        s#^unlock-credential = .*#unlock-credential = \"data-key\"#" "$PAIR_DIR/$1.conf" >"$2"
    unit_make "$1"
}

live_begin "$1"
systemd-sysusers
mkdir -p /etc/shunyan
pair_configure
install -m 644 "$PAIR_KEYS/roster" /etc/shunyan/roster
node_install A /etc/shunyan/node.conf
node_install B /etc/shunyan/B.conf
systemctl daemon-reload

node_start A
node_start B
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
expect_same "examnode 700" "$(stat -c '%U %a' /var/lib/examnode)" "the data folder's owner and mode"
expect_same examnode "$(ps -o user= -p "$(unit_is A MainPID)")" "the user of the node"
status_is '.nodes | all(.locked == false)' || fail "a node is locked, with its credential there"
pass "two nodes run from the installed unit, as a user of their own, and opened by a credential"

exam_begin "$SEATS" open 300 3
systemctl kill --signal=KILL "${UNIT[A]}"
wait_until 30 "systemd starts A again" was_restarted A
wait_until 30 "A and B are a pair again" pair_is_dual
answers_go_on "answers go on"
pass "A was killed, and started again by systemd"

from=A to=B
if node_has_role B primary; then from=B to=A; fi
node_stop $from
wait_until 10 "$to serves" node_has_role $to primary
answers_go_on "answers go on at $to"
node_start $from
wait_until 30 "$from follows" pair_is_dual
pass "$from was stopped, and handed over to $to"

seats_end
expect_same 0 "$(seats_figure locks)" "seats that locked"
result_check B1
wait_until 30 "both nodes agree" nodes_agree
pass "every answer is there, and no seat locked"

node_stop B
echo 'seat-listen = "nowhere"' >>/etc/shunyan/B.conf
systemctl start examnode-b || true
wait_until 20 "B gives up" eval '[ "$(unit_is B ActiveState)" = failed ]'
expect_same "78 0" "$(unit_is B ExecMainStatus) $(unit_is B NRestarts)" "exit code and restarts of B with a bad configuration"
said B | grep -q 'seat-listen' || fail "B does not say what is wrong with its configuration"
pass "a bad configuration is said, and not tried again"
node_stop A
