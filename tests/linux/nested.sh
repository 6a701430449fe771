# Sandboxes within sandboxes without any option that shares out memory or time: three levels deep, one beside another, and again.
fail() { echo "$*"; exit 1; }
out=$(sandbox -- sandbox -- sh -c 'echo hi' 2>&1) || fail "two levels: $out"
[ "$out" = hi ] || fail "two levels: $out"
# What runs in the third can make processes and files.
out=$(sandbox -- sandbox -- sandbox -- sh -c 'echo hi > /tmp/file; cat /tmp/file | tr h H' 2>&1) || fail "three levels: $out"
[ "$out" = Hi ] || fail "three levels: $out"
out=$(sandbox -- sh -c 'sandbox -- echo one | sandbox -- sed s/one/two/' 2>&1) || fail "one beside another: $out"
[ "$out" = two ] || fail "one beside another: $out"
for name in sandbox bwrap; do
    out=$($name --ro-bind / / --tmpfs /tmp -- $name --ro-bind / / -- sh -c 'exit 7' 2>&1) && fail "$name: no status"
    [ $? = 7 ] || fail "$name: $out"
done
# At the end nothing is left, and that is said with what would help.
sandbox -- sandbox -- sandbox -- sandbox -- sandbox -- sandbox -- true 2>/tmp/said && fail "six levels"
grep -q -- "--mem-within" /tmp/said || fail "six levels: $(cat /tmp/said)"
