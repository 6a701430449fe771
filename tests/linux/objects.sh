# What processes are made of grows out of memory that nobody has taken yet: also when files hold nearly all of it. In the end a fork
# fails with an error that the shell can tell; what ended processes were made of is used again, and so is what files held.
set +x
fail() { echo "$*"; exit 1; }
free() { while read -r name size unit; do if [ $name = MemFree: ]; then echo $size; fi; done < /proc/meminfo; }
mkfifo /run/gate
exec 3<>/run/gate

# Starts processes until no more can be started or there are so many, ends them, and tells what was said and how many there were.
processes() {
    (
        trap 'kill $all; wait; echo $i' EXIT
        i=0
        while [ $i -lt $1 ]; do (read -r line <&3) & all="$all $!"; i=$((i+1)); done
    ) 2>&1
}
# As many as there is room for, which must be so many at least.
all_processes() {
    said=$(processes 10000) || true
    case $said in
    *"can't fork: Cannot allocate memory"* | *"can't fork: Resource temporarily unavailable"*) ;;
    *) fail "no limit for processes: $said" ;;
    esac
    [ "${said##*
}" -ge $1 ] || fail "too few: $said"
}

# The 64 MiB of this sandbox have 2.7 MiB for what processes are made of at the start: 38 processes.
empty=$(free)
dd if=/dev/zero of=/tmp/some bs=64k count=96 2>/dev/null
dd if=/dev/zero of=/tmp/rest bs=64k 2>/tmp/said && fail "no limit for files"
rm /tmp/some
[ "$(processes 55)" = 55 ] || fail "processes beside files that hold nearly all memory"
all_processes 55
rm /tmp/rest
all_processes 55
[ "$(free)" -gt $((empty * 9 / 10)) ] || fail "of $empty KiB only $(free) came back"
dd if=/dev/zero of=/tmp/rest bs=64k 2>/tmp/said && fail "no limit for files"
set -- $(ls -l /tmp/rest)
[ "$5" -gt $((empty * 1024 * 8 / 10)) ] || fail "files get $5 bytes only"
rm /tmp/rest
