# What a native program holds that a shell starts, what its sandbox holds, and how paths map in it: compared line by line.
# A program of its own has a CNode, an address space, a thread, time, and one way out: the personality.
[ "$(caps | sed 's/detail 0x[^0].*process/detail PID process/')" = "1 CNode read+write+use size 128 detail 0x0 own-slots
2 VSpace map+share size 0 detail 0x0 own-addresses
3 Thread read+write size 0 detail 0x0 own-thread
4 SchedContext use size 0 detail 0x0 own-time
16 Endpoint send+grant-reply size 0 detail PID process" ]

# The personality holds what stands in system/linux-script.toml: nothing of the driver's but its rings and its notification.
[ "$(caps --sandbox | sed 's/^\(5 Untyped\|17 Frame\) \([a-z]*\) size [0-9]*/\1 \2 size N/;/ time-[0-9]*$/d;/its own making/d')" = "1 CNode read+write+use size 4096 detail 0x0 own-slots
2 VSpace map+share size 0 detail 0x0 own-addresses
3 Thread read+write size 0 detail 0x0 own-thread
4 SchedContext use size 0 detail 0x0 own-time
5 Untyped write size N detail 0x0 own-memory
17 Frame read size N detail 0x0 archive
18 Untyped write size 16384 detail 0x0 pool
19 Notification send+receive size 0 detail 0x0 events
20 Frame read+write size 4 detail 0x0 input
21 Frame read+write size 4 detail 0x0 output
22 Notification send size 0 detail 0x2 wake
23 Untyped write size 24576 detail 0x0 children" ]

# Names: no program has any of its own here; the paths are the sandbox's, the same as in /proc.
[ "$(ns)" = "$(cat /proc/self/mounts)" ]
[ "$(ns | head -n 1)" = "sundog / rootfs ro,nodev,relatime 0 0" ]

# Within another sandbox: half of the time that is left, the files that were given with what is mounted below them, and no ring of the
# terminal.
[ "$(sandbox --ro-bind / / --tmpfs /tmp -- ns)" = "sundog / rootfs ro,nodev,relatime 0 0
proc /proc proc rw,nodev,relatime 0 0
dev /dev devtmpfs rw,nosuid,noexec,relatime 0 0
bind /tmp sundog ro,nodev,relatime 0 0
bind /run sundog ro,nodev,relatime 0 0
bind /var/tmp sundog ro,nodev,relatime 0 0
bind /root sundog ro,nodev,relatime 0 0
bind /home sundog ro,nodev,relatime 0 0
tmpfs /tmp tmpfs rw,nodev,relatime 0 0" ]
sandbox --ro-bind / / -- caps --sandbox > /tmp/inner
times=$(caps --sandbox | grep -c " time-[0-9]*$")
[ "$times" -gt 2 ]
[ "$(grep -c " time-[0-9]*$" /tmp/inner)" = $(((times - 2) / 2)) ]
grep -q " tree-1$" /tmp/inner
grep -q " process$" /tmp/inner
grep -Eq " (input|output|wake|IoPorts|Irq)" /tmp/inner && exit 31
caps --other 2>/tmp/err && exit 32 || [ $? = 2 ]
ns extra 2>/tmp/err && exit 33 || [ $? = 2 ]
