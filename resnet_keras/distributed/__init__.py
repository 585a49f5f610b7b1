"""A run in several processes, on one machine or on many.

`launching` starts this machine's process of the run and watches it, `meeting` connects
the launchers of all, `child` is where the process begins, and `devices` is what
training asks: which part of the work is this process's. All but `devices` are of the
standard library, so that nothing that happens to JAX ends them. It may import `errors`,
`files`, `accelerate` and `commands`.
"""
