"""One HTML file of run directories: what `poolbench report` makes of their files and of what the program tells it."""
