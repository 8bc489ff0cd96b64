"""The programs that own a pool to which something is done. One adapter per pool, of the same shape; python_host.py and
node_host.mjs know what is done before, meanwhile and after, acts.py and acts.mjs what the tasks do. Run by hand:

    python3 -m poolbench.experiments.crash_table.hosts.python_host POOL FAULT DIRECTORY; cat DIRECTORY/report
    node node_host.mjs POOL NODE_MODULES FAULT DIRECTORY
    fault_driver --actor contender FAULT DIRECTORY
"""
