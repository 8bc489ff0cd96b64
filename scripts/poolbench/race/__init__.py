"""The race of the pools against their peers: what scripts/race runs, writes and says. plots/race.py draws it."""
