#!/usr/bin/env bash
# test_unit.sh - systemd's own opinion of the unit: it can be loaded, its user can be made, and its
# exposure is below 2.0 of 10; the same unit without its sandbox is above.
#
#   test_unit.sh UNIT SYSUSERS PROGRAM
set -euo pipefail
unit=$1 sysusers=$(realpath "$2") program=$3

if ! command -v systemd-analyze >/dev/null; then
    echo "skipped: no systemd-analyze here"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
    echo "test_unit: $*" >&2
    exit 1
}

rating() { # UNIT: its exposure, or the command fails when it is 2.0 or more
    systemd-analyze security --offline=true --no-pager --threshold=19 "$1"
}

# As it would be installed, but with the program of this build, whose manual is not installed.
sed -e "s#^ExecStart=[^ ]*#ExecStart=$program#" -e '/^Documentation=/d' "$unit" >"$work/examnode.service"
systemd-analyze verify "$work/examnode.service" || fail "systemd would not load the unit"
rating "$unit" >"$work/rating" || { cat "$work/rating"; fail "the exposure is 2.0 or more"; }
tail -n 1 "$work/rating"

sed -E '/^(System|Protect|Private|Restrict|Capability|NoNew|Memory|User)/d' "$unit" >"$work/open.service"
if rating "$work/open.service" >/dev/null; then
    fail "a unit without a sandbox is rated no worse: the check cannot fail"
fi

systemd-sysusers --dry-run "$sysusers" >"$work/users" 2>&1 || { cat "$work/users"; fail "the user"; }
grep -q 'examnode' "$work/users" || { cat "$work/users"; fail "no user examnode would be made"; }
grep -q '^User=examnode$' "$unit" || fail "the unit has another user"
for line in 'RestartPreventExitStatus=2 65 78' 'LimitCORE=0' 'StateDirectory=examnode'; do
    grep -qx "$line" "$unit" || fail "the unit has no line $line"
done
