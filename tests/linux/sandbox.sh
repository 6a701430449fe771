# What a sandbox sees and may do: what it was given, and nothing else.
mkdir /tmp/inside
echo seen > /tmp/inside/file
out=$(sandbox --ro-bind / / --tmpfs /run --bind /tmp/inside /tmp -- sh -c 'cat /tmp/file; echo no > /x; echo yes > /tmp/new; exit 7' 2>/tmp/err) && exit 21 || [ $? = 7 ]
[ "$out" = seen ]
grep -q Read-only /tmp/err
[ "$(cat /tmp/inside/new)" = yes ]
sandbox --ro-bind /bin /bin -- sh -c '[ ! -e /tmp ]'
sandbox --overlay x y z -- true 2>/tmp/err && exit 22 || grep -q "not supported" /tmp/err
[ "$(echo alive | cat)" = alive ]
sandbox --ro-bind /bin /bin --dir /a/b/c -- sh -c '[ -d /a/b/c ]'
