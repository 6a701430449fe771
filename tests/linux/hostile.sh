# Random system calls in a sandbox ($1 of them, seed $2): it alone may suffer.
set +x
fail() { echo "$*"; exit 1; }
calls=${1:-100000}
seed=${2:-1}
mkdir /tmp/sibling /tmp/outer
echo untouched > /tmp/outer/file
names=$(ls -R /tmp/outer /bin /tests | md5sum)

# The sibling: counts in its own sandbox until it is told to stop.
sandbox --mem 8M --ro-bind / / --bind /tmp/sibling /tmp -- sh -e -c '
    i=0
    while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i > /tmp/new; mv /tmp/new /tmp/count; sleep 0.05; done
' &
sibling=$!
count() { cat /tmp/sibling/count; }
until [ -e /tmp/sibling/count ]; do sleep 0.05; done

# The first program of a sandbox can be ended by a signal that an attacker sends to all there are: that is Linux, and ends the sandbox. The
# next one goes on; what counts is how many calls were really made in all. A personality that gave up or faulted is a failure.
made=0; attackers=0; boxes=0; idle=0
while [ $made -lt $calls ]; do
    before=$(count)
    boxes=$((boxes+1))
    sandbox --mem 16M --pids 40 --ro-bind /bin /bin --tmpfs /tmp --proc /proc --dev /dev \
        -- linux-hostile calls=$((calls-made)) seed=$((seed+boxes*1000003-1000003)) > /tmp/said 2>&1 && status=0 || status=$?
    more=$(grep -a -o 'linux-hostile: [0-9]* calls by [0-9]* attackers' /tmp/said | tail -n 1 | cut -d ' ' -f 2,5)
    more=${more:-0 0}
    if grep -a -q "personality" /tmp/said; then grep -a "personality" /tmp/said; fail "sandbox $boxes: $status"; fi
    if [ $status -gt 128 ]; then
        echo "sandbox $boxes: signal $((status-128)) after ${more% *} calls"
        # What the first program said itself, if it ended itself: not an attacker's doing then.
        if grep -a -E "panicked|allocation" /tmp/said; then fail "sandbox $boxes ended itself"; fi
    elif [ $status != 0 ]; then
        tail -n 3 /tmp/said
        fail "sandbox $boxes: $status after ${more% *} calls"
    fi
    [ "${more% *}" -le $((calls-made+20000)) ] || fail "that is no count: $more"
    made=$((made+${more% *})); attackers=$((attackers+${more#* }))
    [ "${more% *}" != 0 ] && idle=0 || idle=$((idle+1))
    [ $idle -lt 5 ] || fail "no sandbox makes calls any more"
    [ "$(count)" -gt "$before" ] || fail "the sibling stood still beside sandbox $boxes"
done

# The sibling goes on, and what is outside is as it was.
before=$(count); i=0
while [ "$(count)" = "$before" ]; do i=$((i+1)); sleep 0.05; [ $i -lt 100 ] || fail "the sibling stands still"; done
[ "$(cat /tmp/outer/file)" = untouched ] || fail "an outer file has changed"
[ "$(ls -R /tmp/outer /bin /tests | md5sum)" = "$names" ] || fail "outer names have changed"
[ "$(ls /tmp | tr '\n' ' ')" = "outer said sibling " ] || fail "outer /tmp: $(ls /tmp)"
[ "$(sandbox --ro-bind /bin /bin -- echo well)" = well ] || fail "no sandbox can be made"
touch /tmp/sibling/stop
wait $sibling || fail "the sibling ended with $?"
echo "hostile: $made calls with seed $seed by $attackers attackers in $boxes sandboxes"
