# A chain of sandboxes, each started by the one above it and given the guarded device, which is asked for at the bottom and at the top.
# With an argument it is a link of the chain: which one.
fail() { echo "level $level: $*"; exit 1; }
level=${1:-0} deepest=10
each=7
device=/dev/ttyS1

if [ $level -gt 0 ]; then
    [ -c $device ] || fail "there is no device"
fi
if [ $level = $deepest ]; then
    read line < $device
    echo "level $level got $line"
    exit 0
fi
next=$((level+1))
size=$(((deepest-level)*each+2))
within=
[ $next -lt $deepest ] && within="--mem-within $((size-each+1))M"
# The third takes something from those within; what the others say after it gives nothing back.
echo "serial * * ask scope=always" > /tmp/policy
[ $level = 3 ] && echo "serial * * ask scope=once" > /tmp/policy
sandbox --mem ${size}M $within --policy /tmp/policy --ro-bind /bin /bin --ro-bind /tests /tests --tmpfs /tmp \
    --dev /dev --dev-bind $device $device -- sh -e /tests/device-chain.sh $next
if [ $level = 1 ]; then
    (read line < $device) 2>/dev/null || echo "level 1 got nothing"
fi
