# A machine whose root is another one: the prober in a sandbox whose `/` is the folder /tree says what it says in a machine whose `/` is
# that tree. What the personality mounts there by itself is asked for here.
exec sandbox --pids 50 --ro-bind /tree / --proc /proc --dev /dev --perms 1777 --tmpfs /tmp --tmpfs /run --perms 1777 --tmpfs /var/tmp --perms 0700 --tmpfs /root \
    --tmpfs /home --clearenv --setenv PATH /bin:/sbin:/usr/bin:/usr/sbin --setenv HOME /root --setenv TERM linux --setenv USER root \
    --setenv ENV /etc/shrc -- sh -e /tests/prober.sh
