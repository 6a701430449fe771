# Read by a shell at a terminal (its variable ENV): its prompt, and what `help` says there.
PS1='sundog:\w\$ '
help() {
	cat <<-'END'
	Six things to try:
	  ps                                            every process there is
	  cat /dev/ttyS1                                a device: you are asked first; Ctrl-C ends it
	  sandbox --ro-bind /bin /bin -- ls -l /        a sandbox that holds /bin and nothing else
	  bwrap --ro-bind / / -- touch /tmp/x           by bubblewrap's name: everything, to read only
	  sleep 100                                     Ctrl-Z stops it, fg goes on, Ctrl-C ends it
	  exit 3                                        ends the machine, with this status
	The shell's own commands: command help
	END
}
