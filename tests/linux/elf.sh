# Files that are no programs, or hostile ones: they are refused, and nobody else suffers.
fail() { echo "$*"; exit 1; }
mkdir /tmp/bad
x=/tmp/bad/x
whole() { cp /bin/busybox $x; }
patch() { printf "$2" | dd of=$x bs=1 seek=$1 conv=notrunc 2>/dev/null; }
# A program of a sandbox of its own, since a shell takes what is no program for a script.
run() {
    chmod +x $x
    status=0
    sandbox --ro-bind /tmp/bad /bin -- x true 2>/tmp/said || status=$?
}
refused() {
    run
    [ $status = 1 ] && grep -q "Exec format error" /tmp/said || fail "$1: $status, $(cat /tmp/said)"
}
# Refused, or ended by a signal before it could do anything.
ended() {
    run
    [ $status = 1 ] || [ $status -ge 128 ] || fail "$1: $status, $(cat /tmp/said)"
}
whole; run; [ $status = 127 ] || [ $status = 0 ] || fail "a good program: $status, $(cat /tmp/said)"

: > $x; refused "an empty file"
head -c 40 /bin/busybox > $x; refused "a truncated header"
head -c 64 /bin/busybox > $x; refused "a header without its table"
whole; patch 4 '\001'; refused "32 bits"
whole; patch 5 '\002'; refused "another order of bytes"
whole; patch 16 '\001'; refused "no program"
whole; patch 18 '\267'; refused "another processor"
whole; patch 54 '\001'; refused "table entries of another size"
whole; patch 56 '\377\377'; refused "a table that is too long"
whole; patch 32 '\360\377\377\377\377\377\377\377'; refused "a table at the end of all numbers"
# The first segment: at 64 its kind, then flags, offset, addresses (80), length in the file (96) and in memory (104).
whole; patch 64 '\001'; patch 80 '\000\360\377\377\377\377\377\377'; ended "a segment that wraps"
whole; patch 64 '\001'; patch 80 '\000\000\000\000\000\200\377\377'; ended "a segment in the kernel"
whole; patch 64 '\001'; patch 104 '\377\377\377\377\377\177\000\000'; ended "a segment as long as all memory"
whole; patch 64 '\001'; patch 96 '\377\377\377\377\377\377\377\377'; ended "a segment longer than its file"
whole; patch 24 '\000\000\000\000\000\000\000\000'; ended "an entry at nothing"

# A native program that faults: the personality says why, on its standard error.
cp /bin/caps $x
head -c 16384 /dev/zero | tr '\000' '\377' | dd of=$x bs=4096 seek=1 conv=notrunc 2>/dev/null
status=0
$x 2>/tmp/said || status=$?
[ $status = 139 ] || fail "a native program without instructions: $status, $(cat /tmp/said)"
grep -q "^$x raised exception 6 " /tmp/said || fail "why it ended: $(cat /tmp/said)"

[ "$(echo alive | cat)" = alive ]
