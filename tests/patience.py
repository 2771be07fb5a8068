"""How long tests wait for what comes within moments, on a machine that does much else."""

LONGEST_S = 60.0  # a test that waits longer for an event has failed
