# A world of its own: files, processes, devices and addresses are what was given, and nothing of the computer around it is there.
ls /
ps
ls /dev
id
[ "$(ls /home)" = "" ]
[ ! -e /etc/shadow ]
[ ! -e /dev/ttyS0 ]
[ ! -e /dev/mem ]
kill -9 2000 && exit 11 || true
ping -c 1 127.0.0.1 && exit 12 || true
mount -t proc proc /home && exit 13 || true
