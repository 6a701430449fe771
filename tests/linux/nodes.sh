# Files that hold nothing cost the personality's own heap: at its reserve they are refused, and everything goes on.
fail() { echo "$*"; exit 1; }

# Makes files until that fails, in a folder and under names that are given; the shell itself does it, since a process for each is slow.
cat > /tmp/fill <<'END'
i=0
while [ $i -lt 60000 ] && true > $1/$2-$i; do i=$((i+1)); done
echo $i
END
full() {
    [ "$1" -gt 500 ] && [ "$1" -lt 60000 ] || fail "$2: $1 files"
    grep -q "No space left on device" /tmp/said || fail "$2: $(cat /tmp/said)"
}

# In the sandbox within, its own files; it can still make processes, and removing makes room again.
made=$(sandbox --ro-bind / / --bind /tmp /mnt --tmpfs /run -- sh -c '
    sh /mnt/fill /run name 2>/mnt/said
    rm /run/name-1 /run/name-2 || exit 41
    echo again > /run/again || exit 42
    [ "$(cat /run/again | cat)" = again ] || exit 43
    exit 0
' 2>/tmp/links) || fail "a full sandbox ended with $?: $made"
full "$made" "a sandbox' own files"

# In a folder of this sandbox: its heap, and nothing else of it, is what they cost.
# What is said has its block already: a new one is a record too.
mkdir /tmp/shared
echo > /tmp/said
made=$(sandbox --ro-bind / / --bind /tmp /tmp -- sh -c 'sh /tmp/fill /tmp/shared a-name-that-is-as-long-as-names-in-a-hostile-program-are-and-longer-than-others-are-so-that-fewer-fit-into-the-heap-of-the-sandbox-outside-which-is-larger-than-the-one-of-those-within-and-takes-long-to-fill 2>>/tmp/said') || fail "the sandbox that fills a folder outside ended with $?"
full "$made" "a folder outside"
# Some are removed; the shell here fills that too, and goes on.
for name in /tmp/shared/*-1??; do rm $name; done
echo > /tmp/said
made=$(sh /tmp/fill /tmp/shared rest 2>>/tmp/said)
[ "$made" -lt 60000 ] || fail "no limit outside"
grep -q "No space left on device" /tmp/said || fail "outside: $(cat /tmp/said)"
[ "$(echo alive | cat)" = alive ] || fail "no processes any more"
rm -r /tmp/shared
echo again > /tmp/again || fail "removing made no room"
