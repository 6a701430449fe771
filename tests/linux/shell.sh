# A shell's own work: pipes, processes, signals, exit statuses.
echo hello | cat > /tmp/a
[ "$(cat /tmp/a)" = hello ]
[ "$(uname -s)" = Linux ]
i=0
while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done
sh -c 'exit 3' && exit 11 || [ $? = 3 ]
sleep 1 & kill %1
wait %1 && exit 12 || true
ls /proc/self/fd > /dev/null
mkfifo /tmp/f
(echo through > /tmp/f) & [ "$(cat /tmp/f)" = through ]
(ulimit -v 100000; true)
# Files are made now, not when the machine started; and a sandbox has the same calendar.
touch /tmp/older
sleep 1.1
touch /tmp/newer
[ /tmp/newer -nt /tmp/older ]
[ "$(sandbox --ro-bind /bin /bin -- date +%s)" -ge "$(stat -c %Y /tmp/newer)" ]
