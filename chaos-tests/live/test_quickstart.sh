#!/usr/bin/env bash
# ops/quickstart as somebody runs it who has just come: the sample site of 480 candidates, nothing chosen. It
# ends well, and tells of every account that it is right. Usage: test_quickstart.sh BIN
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)

report=$("$TOP/ops/quickstart" --bin "$1")
echo "$report"
for line in 'seats resumed  *480 of 480' 'answers in force .* 0 missing, 0 different' \
    'accounts  *480 reckoned by the seats, 480 right, 0 wrong, 0 missing' 'Nothing lost, no clock wrong'; do
    grep -Eq -- "$line" <<<"$report" || { echo "FAILED: the report does not say \"$line\"" >&2; exit 1; }
done
