//! Scripts for the real busybox, run by the personality over traced processes.
use std::io::Write;
use std::process::{Command, Output, Stdio};

fn hosted(options: &[&str], program: &[&str], input: &str) -> Output {
    let mut child = Command::new("/usr/bin/timeout")
        .arg("120")
        .arg(env!("CARGO_BIN_EXE_hosted"))
        .args(options)
        .args(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The program may end without reading.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Runs a script and compares what it prints on standard output.
fn script(text: &str, expected: &str) {
    let output = hosted(&[], &["sh", "-c", text], "");
    let printed = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(printed, expected, "standard error: {errors}");
}

#[test]
fn echo_and_exit_status() {
    let output = hosted(&[], &["sh", "-c", "echo hello; exit 7"], "");
    assert_eq!(
        (output.stdout.as_slice(), output.status.code()),
        (b"hello\n".as_slice(), Some(7))
    );
    let output = hosted(&[], &["sh", "-c", "kill -9 $$"], "");
    assert_eq!(output.status.code(), Some(137));
}

#[test]
fn standard_input_is_read_to_its_end() {
    let output = hosted(
        &[],
        &["sh", "-c", "read first; echo got $first; wc -c"],
        "one\ntwo\n",
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "got one\n4\n");
}

#[test]
fn pipes_here_documents_and_substitution() {
    script(
        "seq 5 | sort -r | head -2; cat <<E | tr a-z A-Z\nhere\nE\nx=$(echo inner | cat); echo [$x]; (exit 3); echo $?",
        "5\n4\nHERE\n[inner]\n3\n",
    );
    script(
        "head -c 3000000 /dev/zero | md5sum; yes | head -3 | wc -l",
        "c9fc2d3dd83ab67a129ac10b09c9ebbb  -\n3\n",
    );
}

#[test]
fn traps_and_background_jobs() {
    script(
        "trap 'echo usr1' USR1; kill -USR1 $$; sleep 0.1 & wait $!; echo $?; (sleep 5; echo late) & kill $!; wait $!; echo $?; trap 'echo bye' EXIT",
        "usr1\n0\n143\nbye\n",
    );
    script(
        "timeout 0.2 sleep 10; echo $?; trap '' TERM; kill -TERM $$; echo alive",
        "143\nalive\n",
    );
}

#[test]
fn files_and_archives() {
    script(
        "cd /tmp; mkdir -p a/b; echo data > a/b/f; ln -s b/f a/l; cp a/l g; cat g; mv g h; tar czf x.tgz a; rm -r a; tar xzf x.tgz; cat a/l; find a | sort; rm h; ls",
        "data\ndata\na\na/b\na/b/f\na/l\na\nx.tgz\n",
    );
}

#[test]
fn proc_and_dev() {
    script(
        "cat /proc/self/comm; readlink /proc/self/exe; grep -c stack /proc/self/maps; echo x > /dev/null; head -c 4 /dev/zero | wc -c; set -- /proc/$$/fd/[0-2]; echo $#; test -c /dev/null && echo device",
        "cat\n/bin/busybox\n1\n4\n3\ndevice\n",
    );
}

#[test]
fn a_thousand_processes_leave_nothing_behind() {
    script(
        "i=0; while [ $i -lt 1000 ]; do /bin/true; i=$((i+1)); done; echo $i; set -- /proc/[0-9]*; echo $#",
        // init and the shell.
        "1000\n2\n",
    );
}

#[test]
fn a_memory_bomb_gets_no_more_and_a_sibling_goes_on() {
    let output = hosted(
        &["--memory", "64"],
        &[
            "sh",
            "-c",
            "(while :; do echo tick; sleep 0.1; done) & x=0123456789abcdef; (while :; do x=$x$x; done); echo bomb $?; kill $!; wait $!; echo $?; echo fine | cat",
        ],
        "",
    );
    let printed = String::from_utf8_lossy(&output.stdout).replace("tick\n", "");
    assert_eq!(printed, "bomb 1\n143\nfine\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("out of memory"));
}

#[test]
fn touched_memory_without_end_kills_its_owner_only() {
    let output = hosted(
        &["--memory", "64"],
        &[
            "sh",
            "-c",
            "sleep 1000 & S=$!; tail -c 1000m /dev/zero > /dev/null; echo over; kill -0 $S && echo sibling; kill $S",
        ],
        "",
    );
    assert_eq!(String::from_utf8_lossy(&output.stdout), "over\nsibling\n");
}

#[test]
fn a_fork_bomb_meets_its_limit_and_a_sibling_goes_on() {
    let output = hosted(
        &["--max-tasks", "60"],
        &[
            "sh",
            "-c",
            "(i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; echo sibling $i > /tmp/out) & S=$!; (f() { f | f & }; f) 2>/tmp/errors; wait $S; read x < /tmp/out; echo $x; until [ -s /tmp/errors ]; do :; done; read y < /tmp/errors; echo $y",
        ],
        "",
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("sibling 30000\n"), "{printed}");
    assert!(
        printed.contains("can't fork: Resource temporarily unavailable"),
        "{printed}"
    );
}
