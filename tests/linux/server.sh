# A file server that is another process, at /srv: files as everywhere else, and errors when it does not answer, or is no more.
fail() { echo "$*"; exit 1; }

echo hi > /srv/a
[ "$(cat /srv/a)" = hi ] || fail "not what was written"
grep -q " /srv sundog " /proc/mounts || fail "/srv is no server's"
cp /bin/busybox /srv/busybox
cmp /bin/busybox /srv/busybox || fail "a large file is another one"
[ "$(/srv/busybox echo run)" = run ] || fail "a program there does not run"
mkdir /srv/folder
mv /srv/busybox /srv/folder/moved
ln -s folder/moved /srv/link
cmp /bin/busybox /srv/link || fail "a link leads elsewhere"
[ "$(ls /srv)" = "a
folder
link" ] || fail "a folder lists other names"
rmdir /srv/folder 2> /tmp/said && fail "a folder with a file was removed"
rm -r /srv/folder /srv/link
dd if=/dev/zero of=/srv/big bs=64k count=200 2> /tmp/said && fail "more than the server has"
grep -q "No space left on device" /tmp/said || fail "full: $(cat /tmp/said)"
rm /srv/big
[ "$(cat /srv/a)" = hi ] || fail "something was lost"

# A sandbox within has it by a folder that is bound.
mkdir /srv/within
sandbox --ro-bind / / --bind /srv/within /tmp -- sh -c 'cp /bin/busybox /tmp/copy && cmp /bin/busybox /tmp/copy' || fail "within: $?"
cmp /bin/busybox /srv/within/copy || fail "what was written within is other bytes"
rm -r /srv/within

# It stops: an error in time, and everything else goes on.
exec 3< /srv/a
began=$(date +%s)
: > /srv/stop
while cat /srv/a > /tmp/out 2> /tmp/said; do
    [ "$(cat /tmp/out)" = hi ] || fail "other bytes"
    [ $(($(date +%s) - began)) -lt 5 ] || fail "it does not stop"
done
grep -q "Input/output error" /tmp/said || fail "stopped: $(cat /tmp/said)"
[ $(($(date +%s) - began)) -lt 5 ] || fail "the error came too late"
[ "$(echo alive | cat)" = alive ] || fail "no pipes any more"

# It is killed, ten seconds after it stopped.
sleep 12
cat <&3 2> /tmp/said && fail "a dead server reads"
grep -q "Input/output error" /tmp/said || fail "killed: $(cat /tmp/said)"
echo hi 2> /tmp/said > /srv/b && fail "a dead server makes files"
ls /srv && fail "a dead server lists"
[ "$(ls /tmp | sort)" = "out
said" ] || fail "other files are not there any more"
