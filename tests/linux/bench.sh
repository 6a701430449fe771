# The figures of a Linux program.
linux-bench
