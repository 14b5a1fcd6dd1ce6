"""The process in which students' code runs. It knows the inputs of the exercises and no answer.

`box.py` is the judge's side, `worker.py` runs inside the process, `linux.py` takes away what it does not need, and
`protocol.py` is what the two sides say to each other. The process imports torch once, receives the inputs once, and
then forks for each submission. A submission's process cannot see the ones that judge: its results are JSON, and whoever
reads them trusts none of it. On Linux it gets, where the system lets it, namespaces of its own: no network, no other
process in sight, every file read-only but those of its own empty folder, and the exercises' files hidden. Elsewhere
each submission still has its own process and limits; where processes do not fork, each imports torch anew.
"""
