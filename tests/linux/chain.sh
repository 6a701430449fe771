# A chain of sandboxes, each started by the one above it: what was taken away never comes back, and memory never grows.
# With two arguments it is a link of the chain: which one, and how many MiB it was given.
fail() { echo "level $level: $*"; exit 1; }
level=${1:-0} size=${2:-0} deepest=10
each=7

# What is here: the names that this level was left, and no other. Level K has folders K to 10 of /names.
if [ $level -gt 0 ]; then
    number=1
    while [ $number -le $deepest ]; do
        if [ $number -lt $level ]; then
            [ ! -e /names/$number ] || fail "the name $number is back"
        else
            read name < /names/$number/name
            [ "$name" = $number ] || fail "the name $number is missing"
        fi
        number=$((number+1))
    done
    # What was bound without writing stays so.
    (: > /names/$level/x) 2>/dev/null && fail "writing is back"
    # Less memory than the level above has, and never more than its own limit.
    read name total unit < /proc/meminfo
    [ $name = MemTotal: ] || fail "/proc/meminfo begins with $name"
    [ $total -lt $((size*1024)) ] || fail "$total KiB of $size MiB"
    sandbox --mem ${size}M -- true 2>/tmp/said && fail "as much memory again"
    grep -q "memory" /tmp/said || fail "$(cat /tmp/said)"
    echo "level $level: $size MiB, $total KiB for programs and files"
else
    mkdir /tmp/names
    for number in 1 2 3 4 5 6 7 8 9 10; do
        mkdir /tmp/names/$number
        echo $number > /tmp/names/$number/name
    done
fi
[ $level -lt $deepest ] || exit 77

# The next level gets all names but one, and less memory.
next=$((level+1))
size=$(((deepest-level)*each+2))
within=$((size-each+1))
[ $next -lt $deepest ] && within="--mem-within ${within}M" || within=
binds=
number=$next
names=/names; [ $level -gt 0 ] || names=/tmp/names
while [ $number -le $deepest ]; do
    binds="$binds --ro-bind $names/$number /names/$number"
    number=$((number+1))
done
status=0
sandbox --mem ${size}M $within --ro-bind /bin /bin --ro-bind /tests /tests --proc /proc --dev /dev --tmpfs /tmp --tmpfs /names $binds \
    -- sh -e /tests/chain.sh $next $size || status=$?
[ $level -gt 0 ] || [ $status = 77 ] || fail "ended with $status"
[ $level -gt 0 ] || exit 0
exit $status
