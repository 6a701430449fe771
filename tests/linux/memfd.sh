# Memory that is mapped twice in a row, in the personality and in a sandbox within it.
memfd-ring
sandbox -- memfd-ring
