#!/usr/bin/env bash
# What nodes tell monitors over HTTPS: only to those with a certificate of the site, with figures that are those
# of `examctl status`, and nothing personal; while strangers hold every connection that they can get, monitors are
# answered and seats are served. A web that cannot be opened keeps no exam from being held.
# Usage: test_web.sh BIN
set -euo pipefail
HERE=$(cd "$(dirname "$0")" && pwd)
PAIR_LOCKED=1
. "$HERE/pair.sh"
. "$HERE/expect.sh"
SEATS=${LIVE_SEATS:-40}
STRANGERS=200
STRANGERS_PID=

live_tidy_more() {
    [ -z "$STRANGERS_PID" ] || kill "$STRANGERS_PID" 2>/dev/null || true
}

issue() { # KIND NAME OPTION...
    expect 0 "$PAIR_BIN/examctl" site web-issue "$@" --keys "$PAIR_KEYS"
}

# ask NAME PATH CURL-OPTION...: as the client `prometheus` of the site; the body in $BODY, the status in $STATUS; 000:
# there was none. The exit code of curl in $ASKED.
ask() {
    local url=https://127.0.0.1:${WEB_PORT[$1]}$2
    shift 2
    ASKED=0
    STATUS=$(curl -sS --max-time $((20 * WAIT_FACTOR)) --cacert "$WEB/authority.pem" -o "$PAIR_DIR/body" -w '%{http_code}' \
        "${CERT[@]}" "$@" "$url" 2>"$PAIR_DIR/curl.err") || ASKED=$?
    BODY=$(cat "$PAIR_DIR/body" 2>/dev/null || true)
    rm -f "$PAIR_DIR/body"
}

# Ends in the handshake: an error, and no byte of HTTP.
refused() { # WHAT CURL-OPTION...
    local what=$1
    shift
    local CERT=()
    ask A /health "$@"
    [ "$ASKED" != 0 ] && [ "$STATUS" = 000 ] || fail "$what was answered: $STATUS $BODY"
}

health_is() { # NAME STATUS JQ
    ask "$1" /health
    [ "$STATUS" = "$2" ] && jq -e "$3" <<<"$BODY" >/dev/null
}

# Of its /metrics into $PAIR_DIR/figures, as another program reads them; false when it does not answer.
figures() { # NAME [CURL-OPTION...]
    local form=plain
    [ $# = 1 ] || form=open
    ask "$1" /metrics "${@:2}"
    [ "$STATUS" = 200 ] || return 1
    printf '%s\n' "$BODY" >"$PAIR_DIR/$form.txt"
    "$HERE/web_peers.py" figures $form "$PAIR_DIR/$form.txt" >"$PAIR_DIR/figures"
}

# Both forms have the same figures. A peer is silent from the moment that it was heard, which may come in between.
forms_agree() { # NAME
    local plain open
    figures "$1" || fail "/metrics of $1 is not answered: $STATUS $(cat "$PAIR_DIR/curl.err")"
    plain=$(cut -d' ' -f1 "$PAIR_DIR/figures" | grep -v silent | sort)
    figures "$1" -H 'Accept: application/openmetrics-text; version=1.0.0' || fail "the open form is not answered"
    open=$(cut -d' ' -f1 "$PAIR_DIR/figures" | grep -v silent | sort)
    [ "$(wc -l <<<"$plain")" -gt 60 ] || fail "there are too few figures: $plain"
    expect_same "$plain" "$open" "the names of both forms"
}

figure() { # NAME{LABELS}
    grep -F -- "$1 " "$PAIR_DIR/figures" | head -n 1 | cut -d' ' -f2
}

figure_reaches() { # NODE NAME NUMBER
    figures "$1" || return 1
    jq -ne "$(figure "$2") >= $3" >/dev/null
}

log_has() { # NODE REGEX
    grep -Eq -- "$2" "$PAIR_DIR/$1.log"
}

live_begin "$1"
[ -x /usr/bin/python3 ] && /usr/bin/python3 -c 'import prometheus_client' 2>/dev/null || {
    echo "SKIPPED: python3-prometheus-client is not installed (ops/install-packages installs it)"
    exit 77
}
declare -A WEB_PORT
WEB=$PAIR_KEYS/web
pair_configure
issue node A --address 127.0.0.1
issue node B --address 127.0.0.1
issue client prometheus
issue client lost
expect 1 "$PAIR_BIN/examctl" site web-issue client lost --keys "$PAIR_KEYS"
expect 2 "$PAIR_BIN/examctl" site web-issue seat R01-01 --keys "$PAIR_KEYS"
CERT=(--cert "$WEB/clients/prometheus.pem")
for name in A B; do
    free_port
    WEB_PORT[$name]=$FREE_PORT
    printf 'web-listen = "127.0.0.1:%s"\nweb-key-file = "%s"\nweb-revoked = "%s"\n' "$FREE_PORT" "$WEB/nodes/$name.pem" \
        "$WEB/revoked.crl" >>"$PAIR_DIR/$name.conf"
    expect 0 "$PAIR_BIN/examnode" --config "$PAIR_DIR/$name.conf" --check
    node_start "$name"
done

wait_until 10 "A says that it is locked" health_is A 503 '.well == false and .locked and (.troubles | index("locked"))'
forms_agree A
expect_same 1 "$(figure examnode_locked)" "examnode_locked of a locked node"
expect_same 0 "$(figure examnode_serving)" "examnode_serving of a locked node"
expect 0 ctl unlock --data-key "$PAIR_KEYS/data-key"
expect 0 ctl found --site live
wait_until 30 "the standby joins" pair_is_dual
wait_until 10 "A says that it serves" health_is A 200 '.well and .role == "primary" and .serving and .in_sync and .epoch == 1'
wait_until 10 "B says that it could take over" health_is B 200 '.well and .role == "standby" and (.serving | not) and .in_sync'
pass "a locked node says so; a primary and its standby are well"

exam_begin "$SEATS" open 1000 2
wait_until 20 "A counts its seats" figure_reaches A examnode_sittings_attached "$SEATS"
expect_same "$SEATS" "$(figure examnode_seats_connected)" "seats connected"
expect_same 1 "$(figure 'examnode_peer_in_sync{peer="B"}')" "B in sync"
expect_same 1 "$(figure 'examnode_role{role="primary"}')" "role"
expect_same 0 "$(figure 'examnode_role{role="standby"}')" "role"
wait_until 20 "A counts its batch" figure_reaches A 'examnode_batches{state="running"}' 1
for name in examnode_reply_wait_seconds examnode_commit_turn_seconds; do
    [ "$(figure ${name}_count)" -gt "$SEATS" ] || fail "$name has counted $(figure ${name}_count)"
    expect_same "$(figure ${name}_count)" "$(figure "${name}_bucket{le=\"+Inf\"}")" "the last step of $name"
done
before=$(figure examnode_log_released_lsn)
wait_until 20 "the log goes on" figure_reaches A examnode_log_released_lsn $((before + SEATS))
forms_agree A
tail -n +2 "$PAIR_DIR/site/roster.csv" | cut -d, -f1-3 | tr , '\n' >"$PAIR_DIR/personal"
[ "$(wc -l <"$PAIR_DIR/personal")" -ge 60 ] || fail "there is too little that is personal to look for"
if grep -Ff "$PAIR_DIR/personal" "$PAIR_DIR/plain.txt" "$PAIR_DIR/open.txt"; then
    fail "a candidate is in the figures"
fi
pass "figures that another program reads in both forms, with the seats, the peer and the log; nothing personal"

expect 0 "$PAIR_BIN/examctl" site init --keys "$PAIR_DIR/other" --rooms "$PAIR_ROOMS" --node A --person x --no-password
expect 0 "$PAIR_BIN/examctl" site web-issue client prometheus --keys "$PAIR_DIR/other"
refused "a client without a certificate"
refused "a client of another site" --cert "$PAIR_DIR/other/web/clients/prometheus.pem"
refused "a node as a client" --cert "$WEB/nodes/B.pem"
refused "TLS 1.2" --cert "$WEB/clients/prometheus.pem" --tls-max 1.2
cp "$WEB/clients/lost.pem" "$PAIR_DIR/lost.pem"
CERT=(--cert "$PAIR_DIR/lost.pem")
health_is A 200 .well || fail "the certificate that is to be revoked is not good"
CERT=(--cert "$WEB/clients/prometheus.pem")
expect 0 "$PAIR_BIN/examctl" site web-revoke client lost --keys "$PAIR_KEYS"
refused "a certificate that was revoked" --cert "$PAIR_DIR/lost.pem"
grep -q 'bad certificate' "$PAIR_DIR/curl.err" || fail "the monitor is not told what is wrong: $(cat "$PAIR_DIR/curl.err")"
health_is A 200 .well || fail "a good client is refused, too"
if curl -s --max-time 20 "http://127.0.0.1:${WEB_PORT[A]}/health" -o "$PAIR_DIR/body" && [ -s "$PAIR_DIR/body" ]; then
    fail "plain HTTP was answered: $(cat "$PAIR_DIR/body")"
fi
for why in 'not of this site' "not a client's" 'was revoked' 'not proven who it is'; do
    wait_until 10 "A's log says: $why" log_has A "event=web-refused .*$why"
done
OUT=$(openssl s_client -connect "127.0.0.1:${WEB_PORT[A]}" -CAfile "$WEB/authority.pem" -verify_return_error \
    -cert "$WEB/clients/prometheus.pem" -key "$WEB/clients/prometheus.pem" -quiet 2>&1 \
    <<<$'GET /health HTTP/1.0\r\n\r') || true
expect_says '"well": true'
pass "strangers, another site's, a node's, revoked ones and older protocols are refused in the handshake, and logged"

"$HERE/web_peers.py" strangers "${WEB_PORT[A]}" $STRANGERS >"$PAIR_DIR/strangers.out" 2>&1 &
STRANGERS_PID=$!
wait_until 30 "the strangers have come, and come again" figure_reaches A examnode_web_strangers_total $((4 * STRANGERS))
saved=$(wc -l <"$PAIR_DIR/acked.csv")
for ((i = 0; i < 10; i++)); do
    ask A /metrics
    [ "$STATUS" = 200 ] || fail "a monitor is not answered beside $STRANGERS strangers ($(cat "$PAIR_DIR/strangers.out")): $ASKED $(cat "$PAIR_DIR/curl.err")"
    connections=$(sed -n 's/^examnode_web_connections //p' <<<"$BODY")
    [ "$connections" -le 72 ] || fail "$connections connections are open"
done
wait_until 30 "answers are saved beside the strangers" saved_reach $((saved + SEATS))
pair_is_dual || fail "strangers at the web have disturbed the pair"
kill -0 "$STRANGERS_PID" || fail "the strangers have ended: $(cat "$PAIR_DIR/strangers.out")"
kill "$STRANGERS_PID"
wait "$STRANGERS_PID" 2>/dev/null || true
STRANGERS_PID=
[ "$(sed -n 's/^examnode_web_strangers_total //p' <<<"$BODY")" -ge "$STRANGERS" ] || fail "the strangers are not counted"
lines=$(grep -c 'event=web-refused' "$PAIR_DIR/A.log")
[ "$lines" -le $((10 * (SECONDS / 60 + 1))) ] || fail "strangers have filled A's log with $lines lines"
pass "beside $STRANGERS strangers monitors are answered and answers saved ($(head -n 1 "$PAIR_DIR/strangers.out"))"

node_kill A
wait_until 20 "B says that a person must decide" health_is B 503 '.troubles | index("needs-person")'
expect 0 "$PAIR_BIN/examctl" --nodes "${NODE_ADMIN[B]}" promote B --attest --yes --reason "A was killed"
wait_until 20 "B says that it serves alone" health_is B 200 '.serving and .epoch == 2 and (.warnings | index("solo"))'
pass "a standby without its primary is not well; promoted it is, and alone"

echo "no list" >"$PAIR_DIR/broken.crl"
sed -i "s|^web-revoked = .*|web-revoked = \"$PAIR_DIR/broken.crl\"|" "$PAIR_DIR/A.conf"
node_start A
log_has A 'level=error event=web-not-opened .*no list of revoked certificates' || fail "A does not say that it has no web"
wait_until 60 "A follows without a web" pair_is_dual
ask A /health
expect_same 000 "$STATUS" "what a web that was not opened answers"
saved=$(wc -l <"$PAIR_DIR/acked.csv")
wait_until 30 "answers are saved" saved_reach $((saved + SEATS))
pass "a web that cannot be opened is an error in the log, and the node does its work"
