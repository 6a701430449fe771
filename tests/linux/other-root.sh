# Another folder as `/`: what a prober sees is byte for byte the same whether the tree is the machine's root, as far as the prober's
# machine goes, or a folder of it.
# Twice the same tree: in one sandbox it is `/`, in another a folder that is bound to `/` of a sandbox within.
fail() { echo "$*"; exit 1; }
tree=/tmp/tree
mkdir -p $tree/bin $tree/tests $tree/proc $tree/dev $tree/tmp $tree/deep/er
cp /bin/busybox /bin/sandbox $tree/bin
for name in sh cat ls stat readlink echo grep sed pwd; do ln -s busybox $tree/bin/$name; done
ln -s deep/er $tree/link
ln -s /deep/../.. $tree/out
echo file > $tree/deep/er/file
cat > $tree/tests/prober <<'EOF'
cd /link
pwd; pwd -P
cd ../../../../..
pwd -P
for name in / /.. /../.. . .. /bin /deep/er/file /link /out /out/.. /proc /proc/.. /nothing; do
    stat -c '%n %F %d %i %h %s %a %u %g' $name 2>&1
    stat -L -c '%n %F %d %i %h %s %a %u %g' $name 2>&1
    readlink $name; readlink -f $name
done
ls -a / /.. /out /deep/er
for name in root cwd exe fd/0; do readlink /proc/self/$name; done
readlink /proc/$$/root /proc/$$/cwd /proc/1/root
cat /proc/self/mountinfo /proc/self/mounts
cat /proc/self/cmdline | sed 's/\x00/ /g'; echo
cat /proc/self/comm
grep -v -i -e time -e ctxt -e vm /proc/self/status
ls /proc
EOF
cp -a $tree /tmp/outer
mkdir /tmp/outer/folder
probe() { echo "sandbox --bind $1 / --proc /proc -- /bin/sh /tests/prober"; }
$(probe $tree) > /tmp/first 2>&1 < /dev/null || fail "$(cat /tmp/first)"
[ "$(grep -c . /tmp/first)" -gt 60 ] || fail "$(cat /tmp/first)"
sandbox --mem 40M --mem-within 26M --bind /tmp/outer / --bind $tree /folder --proc /proc --dev /dev -- /bin/sh -c "$(probe /folder) < /dev/null" > /tmp/second 2>&1 || fail "$(cat /tmp/second)"
cmp /tmp/first /tmp/second || fail "$(diff /tmp/first /tmp/second)"
