# What is bound into a sandbox: single files, what is mounted below a folder, sizes, any order; and what is said if something is wrong.
fail() { echo "$*"; exit 1; }
mkdir -p /tmp/d/below /tmp/e
echo one > /tmp/d/one; echo two > /tmp/d/two; echo shown > /tmp/e/shown

# A file, at a new name and over one that is there; what is written goes to the source, and names beside it are not there.
out=$(sandbox --ro-bind /bin /bin --dev /dev --bind /tmp/d /d --ro-bind /tmp/d/one /d/two --bind /tmp/d/two /new/name -- sh -c '
    cat /d/two /new/name; ls /new; (echo x > /d/two) 2>/dev/null && echo written; echo three > /new/name; cat /d/one; [ -f /new/name ] && echo file
    rm -f /d/two 2>/dev/null && echo removed; exit 0' 2>&1) || fail "files: $out"
[ "$out" = "one
two
name
one
file" ] || fail "files: $out"
[ "$(cat /tmp/d/one /tmp/d/two)" = "one
three" ] || fail "a bound file: $(cat /tmp/d/one /tmp/d/two)"
sandbox --ro-bind / / --ro-bind /tmp/d/one /tmp/d/below -- true 2>/tmp/said && fail "a file over a folder"
grep -q "^sandbox: Can't bind mount on /tmp/d/below: Is a directory" /tmp/said || fail "$(cat /tmp/said)"

# What is mounted below goes along, also to the next level; /proc and /dev are the sandbox' own.
out=$(sandbox --ro-bind / / -- sh -c 'cat /tmp/e/shown; (echo x > /tmp/e/x) 2>/dev/null && echo written; echo x > /dev/null; tr "\0" " " < /proc/2/cmdline | grep -o "^sh -c"' 2>&1) || fail "below: $out"
[ "$out" = "shown
sh -c" ] || fail "below: $out"
out=$(sandbox --ro-bind / / --bind /tmp/e /tmp/d/below -- sandbox --bind /tmp /t -- /bin/cat /t/d/below/shown 2>&1) && fail "no /bin there: $out"
out=$(sandbox --ro-bind / / --bind /tmp/e /tmp/d/below -- sandbox --ro-bind /bin /bin --bind /tmp /t -- cat /t/d/below/shown 2>&1) || fail "two levels: $out"
[ "$out" = shown ] || fail "two levels: $out"

# A size in bytes, and no more.
out=$(sandbox --ro-bind / / --size 65536 --tmpfs /tmp -- sh -c 'dd if=/dev/zero of=/tmp/full bs=4096 2>&1 | grep -o "No space left on device"; wc -c < /tmp/full' 2>&1) || fail "size: $out"
[ "$out" = "No space left on device
65536" ] || fail "size: $out"

# What is done to / hides what was done before it, wherever it stands.
out=$(sandbox --tmpfs /gone --symlink a /b --ro-bind / / --bind /tmp/d /tmp -- sh -c 'ls /tmp; [ ! -e /gone ] && [ ! -e /b ] && echo hidden' 2>&1) || fail "order: $out"
[ "$out" = "below
one
two
hidden" ] || fail "order: $out"
out=$(sandbox --perms 0700 --tmpfs / --ro-bind /bin bin -- sh -c 'stat -c %a /; echo /*' 2>&1) || fail "a tmpfs as root: $out"
[ "$out" = "700
/bin" ] || fail "a tmpfs as root: $out"

# In bubblewrap's words, under the name that was typed.
says() {
    said=$1; shift
    "$@" 2>/tmp/said && fail "$* works"
    [ $? = 1 ] || fail "$*: $?"
    [ "$(cat /tmp/said)" = "$said" ] || fail "$*: $(cat /tmp/said)"
}
says "sandbox: execvp nosuch: No such file or directory" sandbox nosuch
says "bwrap: execvp nosuch: No such file or directory" bwrap --ro-bind / / nosuch
says "sandbox: execvp /tmp: Permission denied" sandbox /tmp
says "bwrap: execvp ls: No such file or directory" bwrap --dir /bin ls
says "sandbox: Can't chdir to /nosuch: No such file or directory" sandbox --chdir /nosuch true
says "sandbox: Can't find source path /nosuch: No such file or directory" sandbox --bind /nosuch /x true
says "sandbox: Can't make symlink at /b: File exists" sandbox --symlink a /b --symlink c /b true
