#!/usr/bin/env bash
# The primary is killed while 40 candidates answer; the standby is promoted; the old primary comes back, and
# is promoted wrongly while the other one serves (quickstart does all of it).
# Once within the seats' grace (no seat locks, nobody loses a millisecond), once beyond it (seats lock, and
# the time they were locked is credited). Usage: test_failover.sh BIN
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
SEATS=${LIVE_SEATS:-40}
BIN=$1

figure() { # NAME: a number of quickstart's report
    sed -n "s/^  $1  *\([0-9-]*\).*/\1/p" <<<"$report"
}

quickstart() { # OPTION...: its report; it tells of every account that it is right
    report=$("$TOP/ops/quickstart" --bin "$BIN" --seats "$SEATS" --think-ms 300 "$@")
    echo "$report"
    grep -q "accounts  *$SEATS reckoned by the seats, $SEATS right, 0 wrong, 0 missing" <<<"$report" ||
        { echo "FAILED: not every account is right" >&2; exit 1; }
}

echo "within grace"
quickstart --outage 2
[ "$(figure 'seats that locked')" = 0 ] || { echo "FAILED: a seat locked within its grace" >&2; exit 1; }
# seatsim checks that a seat whose screen never closed has lost nothing; some may submit in the outage.
grep -q 'lost time, credited       min 0  median 0 ' <<<"$report" ||
    { echo "FAILED: time was lost within grace" >&2; exit 1; }

echo "beyond grace"
quickstart --outage 5 --grace 0:02
# All but those who have submitted by then: they have no screen to lock any more.
[ "$(figure 'seats that locked')" -ge $((SEATS * 3 / 4)) ] ||
    { echo "FAILED: seats did not lock" >&2; exit 1; }
min_ms=$(sed -n 's/.*lost time, credited  *min \([0-9]*\).*/\1/p' <<<"$report")
# Dead for 5 s at least, open for 2 s of grace after the last mark: at least 2 s were lost.
[ "$min_ms" -ge 2000 ] || { echo "FAILED: only $min_ms ms credited after 5 s of outage" >&2; exit 1; }
