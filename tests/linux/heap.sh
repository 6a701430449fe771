# Programs that make the personality hold or allocate as much as they can ($1: one case alone): each in the first personality, one
# after the other, and after each all still works.
set +x
fail() { echo "$*"; exit 1; }
/bin/true $(seq 1 100000) || fail "100,000 arguments: $?"
# As many words as bubblewrap takes.
sandbox --ro-bind / / -- /bin/true $(seq 1 8900) || fail "8,900 arguments of a sandbox: $?"
/bin/true $(seq 1 400000) 2> /tmp/said && fail "that is more than 2 MiB"
grep -q 'Argument list too long' /tmp/said || fail "too many arguments: $(cat /tmp/said)"
for case in ${1:-$(linux-greedy names)}; do
    linux-greedy $case || fail "$case: $?"
    [ "$(echo one | cat)" = one ] || fail "$case: no pipe"
    echo two > /tmp/file && [ "$(cat /tmp/file)" = two ] || fail "$case: no file"
    status=0; (exit 3) || status=$?; [ $status = 3 ] || fail "$case: no fork"
    [ "$(sandbox --ro-bind /bin /bin -- echo well)" = well ] || fail "$case: no sandbox"
done
