# Limits of a sandbox: who is at one fails alone, and a sandbox beside it goes on meanwhile.
fail() { echo "$*"; exit 1; }
data=/tmp/data
mkdir $data

# The sibling: counts in its own sandbox until it is told to stop.
sandbox --mem 8M --ro-bind / / --bind $data /tmp -- sh -e -c '
    i=0
    while [ ! -e /tmp/stop ]; do i=$((i+1)); echo $i > /tmp/count.new; mv /tmp/count.new /tmp/count; done
' &
sibling=$!
count() { cat $data/count; }
until [ -e $data/count ]; do sleep 0.05; done
goes_on() {
    before=$1
    [ "$(count)" -gt "$before" ] || fail "the sibling stood still during $2"
    now=$(count); i=0
    while [ "$(count)" = "$now" ]; do i=$((i+1)); [ $i -lt 1000 ] || fail "the sibling stands still after $2"; done
}

# A string that doubles: the shell gets ENOMEM, or is ended for want of memory.
before=$(count)
sandbox --mem 8M -- sh -c 'x=0123456789abcdef; while :; do x=$x$x; done' 2>/tmp/said && fail "no limit for a string"
status=$?
grep -q "out of memory" /tmp/said || [ $status = 137 ] || fail "a string at its limit: $status $(cat /tmp/said)"
goes_on $before "a memory bomb"

# Files in memory count too.
before=$(count)
sandbox --mem 8M -- sh -c 'dd if=/dev/zero of=/tmp/full bs=65536' 2>/tmp/said && fail "no limit for files"
grep -q "No space left" /tmp/said || fail "files at their limit: $(cat /tmp/said)"
goes_on $before "a full /tmp"

# Processes: EAGAIN, exactly at the limit. The shell itself is one of them.
before=$(count)
sandbox --pids 10 --ro-bind / / --dev /dev --bind $data /data -- sh -c '
    i=1
    while sleep 1000 & do i=$((i+1)); echo $i > /data/processes; done
' 2>/tmp/said && fail "no limit for processes"
grep -q "can't fork: Resource temporarily unavailable" /tmp/said || fail "processes at their limit: $(cat /tmp/said)"
[ "$(cat $data/processes)" = 10 ] || fail "processes: $(cat $data/processes), not 10"
goes_on $before "many processes"

# More than there is memory for is refused, and it is said how many there may be.
sandbox --pids 100000 -- true 2>/tmp/said && fail "more processes than fit"
grep -q -- "--pids 100000: there is memory for [0-9]* at most" /tmp/said || fail "too many processes: $(cat /tmp/said)"

# More programs than fit into the memory: some of them end for want of it, and not the shell that started them.
before=$(count)
status=0
sandbox --mem 8M -- sh -c '(while sleep 1000 & do :; done) 2>/dev/null; kill -9 -1; echo still here; exit 9' > /tmp/said 2>&1 || status=$?
[ $status = 9 ] && grep -q "still here" /tmp/said || fail "too many programs: $status $(cat /tmp/said)"
goes_on $before "too many programs"

# A fork bomb that never ends by itself goes on beside the sibling until it is killed from outside.
before=$(count)
sandbox --pids 20 -- sh -c 'bomb() { bomb | bomb & }; bomb; while :; do bomb; done' 2>/dev/null &
bomb=$!
i=0
while [ "$(count)" -lt $((before+20)) ]; do i=$((i+1)); [ $i -lt 5000 ] || fail "the sibling stands still beside a fork bomb"; done
kill -9 $bomb
wait $bomb && fail "a killed sandbox ended well" || true
goes_on $before "a fork bomb"

# More processors than there are cannot be had, but may be asked for: it is a limit.
[ "$(sandbox --cpus 2 -- nproc)" = 1 ] || fail "--cpus"
sandbox --mem 1K -- true 2>/tmp/said && fail "too little memory was enough"
grep -q -- "--mem" /tmp/said || fail "--mem 1K: $(cat /tmp/said)"
sandbox --mem 1G -- true 2>/tmp/said && fail "more memory than there is"
grep -q "not so much memory is left" /tmp/said || fail "--mem 1G: $(cat /tmp/said)"

touch $data/stop
wait $sibling || fail "the sibling ended with $?"
