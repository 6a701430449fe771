# What a program finds out about where it is. Only what differs from run to run is left out: times, amounts of memory, places in memory
# that are drawn by lot.
say() { echo "== $*"; }
stats() {
    stat -c '%n %F %d %i %h %s %b %a %u %g %t %T %Y' "$1" 2>&1 || true
    stat -L -c '%n %F %d %i %h %s %b %a %u %g %t %T %Y' "$1" 2>&1 || true
    readlink "$1" || true
    readlink -f "$1" || true
}
say folders
pwd; pwd -P
cd ../../../../..
pwd -P
cd /usr/bin/../../bin/..
pwd -P
for name in / /.. /../.. . .. /bin /bin/sh /bin/busybox /bin/../.. /etc/passwd /tests /tests/.. /tests/prober.sh /tree /nothing /etc/passwd/x \
    /proc /proc/.. /dev /dev/.. /dev/null /dev/console /dev/tty /dev/ttyS1 /dev/pts /dev/fd /dev/stdin /tmp /tmp/.. /run /var /var/tmp /root /home /srv \
    /sys /usr /usr/bin/..; do
    stats $name
done
stat -f -c '%n %i %l %t %s %b %f %a %c %d' / /bin /proc
ls -ai / /.. /bin /etc /tests /proc/.. /dev /tmp /run
find / -xdev -exec stat -c '%n %i %d %s' {} +
mount
say links
ln -s ../../../etc/passwd /tmp/out
ln -s /proc/self/root/../etc /tmp/up
touch -h -d @7 /tmp/out /tmp/up
cat /tmp/out /tmp/up/group
stats /tmp/out; stats /tmp/up
say streams
for fd in 0 1 2; do readlink /proc/self/fd/$fd; stat -L -c '%F %d %i %h %s %a %u %g %t %T' /proc/self/fd/$fd; done
tty
stty -a
say process
for name in root cwd exe; do readlink /proc/self/$name /proc/$$/$name /proc/1/$name || true; done
ls -a /proc/self/root/.. /proc/self/cwd/.. /proc/$$/root/
ls -i /proc /proc/self /proc/$$ /proc/sys /proc/sys/kernel
echo $$ $PPID
for name in auxv cgroup cmdline comm environ limits mountinfo mounts oom_score_adj status stat; do
    say $name
    case $name in
    # Where things are in memory, and random bytes.
    auxv) wc -c < /proc/self/$name ;;
    # Amounts of memory, and how much time was used.
    status) grep -v -e ^Vm /proc/self/$name ;;
    stat) cut -d ' ' -f 1-13,18-21,25,31-40 /proc/self/$name ;;
    *) tr '\0' '\n' < /proc/self/$name ;;
    esac
done
sed 's/^[^ ]* //' /proc/self/maps
cat /proc/filesystems /proc/cmdline /proc/version /proc/swaps /proc/sys/kernel/*max /proc/sys/kernel/hostname /proc/sys/kernel/os* /proc/sys/fs/*
uname -a; hostname; id; umask; set -- /proc/[0-9]*; echo $*
say what cannot be done
(mkdir /new; touch /bin/new; rmdir /tests; mknod /tmp/disk b 8 0; cat /tmp/disk; chroot /bin /busybox pwd; mount -t tmpfs tmpfs /srv) 2>&1 || true
say end
# What was said last is on its way still, and the end of the machine would take it along.
sleep 1
