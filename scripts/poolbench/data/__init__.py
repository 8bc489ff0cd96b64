"""Files that programs left, read: run directories, their columns and keys, scenarios, quantities for people."""
