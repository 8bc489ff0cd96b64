"""What becomes of a pool, its tasks and its processes when something goes wrong: the same faults, done to many pools.

`faults` lists what is done, `contenders` to whom. `hosts` are the programs that own a pool and do it, one small adapter
for each pool; `warden` runs one of them and sees what it leaves; `judge` says what that means; `table` shows it.
"""
