"""What reads and draws the results of poolbench, races its pools, and tries its model and its choices where nobody has
looked.

Rooms, each of which knows only those above it here: `data` reads what programs left; `race` measures and judges the
race; `plots` draws; `report` makes the page of a report; `experiments` are programs of their own. `scripts/python -m
poolbench.ROOM.MODULE --help` says what a program of a room does.
"""
