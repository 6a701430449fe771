# A sandbox that tries to name, see, signal and exhaust two others, one started before it and one after.
fail() { echo "$*"; exit 1; }
mkdir /tmp/first /tmp/second /tmp/attacker

cat > /tmp/victim <<'EOF'
# Counts in processes of its own, over a file of its own, until it is told to stop.
echo secret > /tmp/secret
echo secret > /own/secret
i=0
while [ ! -e /own/stop ]; do
    i=$((i+1))
    echo $i > /tmp/count
    cp /tmp/count /own/new
    mv /own/new /own/count
done
[ "$(cat /tmp/secret)" = secret ]
EOF

cat > /tmp/attacker/attack <<'EOF'
# Whatever is found of the others is written down.
found() { echo "$*" >> /own/found; }

# Names: their files, by every way that leads out of a folder.
for place in / /own/.. /tmp/../.. /proc/1/root /proc/[0-9]*/cwd /proc/self/fd/0; do
    for name in secret own/secret tmp/secret ../secret first/secret ../first/secret tmp/first/secret tmp/second/secret tmp/victim; do
        [ -e $place/$name ] && found $place/$name
    done
done
find / -name secret -o -name count -o -name victim 2>/dev/null | grep -q . && found by find
# Processes: what is in /proc is of this sandbox.
cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -q '[v]ictim' && found in /proc
ps -o args | grep -q '[v]ictim' && found by ps
[ "$(ls -d /proc/[0-9]* | wc -l)" -lt 10 ] || found too many processes
# Signals to every number but the own.
pid=2
while [ $pid -le 300 ]; do
    [ $pid = $$ ] || kill -9 $pid 2>/dev/null
    pid=$((pid+1))
done
kill -9 -1 2>/dev/null
echo signals >> /own/done

# Memory, files and processes to the limit.
(x=0123456789abcdef; while :; do x=$x$x; done) 2>/dev/null
echo memory >> /own/done
dd if=/dev/zero of=/tmp/full bs=65536 2>/dev/null
(i=0; while echo > /tmp/$i; do i=$((i+1)); done) 2>/dev/null
echo files >> /own/done
rm -r /tmp/*
(while sleep 1000 & do :; done) 2>/dev/null
echo processes >> /own/done
kill -9 -1 2>/dev/null
# And the processor for as long as there is one.
while :; do :; done
EOF

for who in first attacker second; do
    script=/own/attack
    [ $who = attacker ] || { cp /tmp/victim /tmp/$who/victim; script=/own/victim; }
    sandbox --mem 8M --pids 30 --ro-bind /bin /bin --tmpfs /tmp --tmpfs /run --proc /proc --dev /dev --bind /tmp/$who /own \
        -- sh -c "until [ -e /own/go ]; do sleep 0.05; done; . $script" > /tmp/$who/output 2>&1 &
    eval $who=$!
done
count() { cat /tmp/$1/count; }
touch /tmp/first/go /tmp/second/go
until [ -e /tmp/first/count ] && [ -e /tmp/second/count ]; do sleep 0.05; done

# Both go on: they count further, each by itself.
go_on() {
    for who in first second; do
        before=$(count $who)
        i=0
        until [ "$(count $who)" -ge $((before+2)) ]; do
            i=$((i+1))
            sleep 0.1
            [ $i -lt 200 ] || fail "the $who stands still: $1"
        done
    done
}
go_on "before the attack"; echo before
touch /tmp/attacker/go
for step in signals memory files processes; do
    i=0
    until grep -qs $step /tmp/attacker/done; do
        i=$((i+1))
        sleep 0.1
        [ $i -lt 300 ] || fail "the attack stops before $step: $(cat /tmp/attacker/output)"
        kill -0 $attacker || fail "the attacker is gone before $step: $(cat /tmp/attacker/output)"
    done
    go_on $step; echo $step
done
go_on "the processor"
[ ! -e /tmp/attacker/found ] || fail "found: $(cat /tmp/attacker/found)"
touch /tmp/first/stop /tmp/second/stop
wait $first || fail "the first ended with $?: $(cat /tmp/first/output)"
wait $second || fail "the second ended with $?: $(cat /tmp/second/output)"
kill -9 $attacker || fail "the attacker is gone: $(cat /tmp/attacker/output)"
