"""Parameter sweeps: many runs of one scenario, none lost, the same numbers everywhere.

`full_sweep` is the way in: workers load while `run_sweep` checks the plan. `plan` and `parameters`
hold what a sweep's file may say, `design` its points, `jobs` every run with its identity. `one_run`
is what a worker does; `engines` are where workers live, `dispatch` hands out runs and survives what
happens to them, `place` is the directory that keeps them. `collect`, `summary`, `sobol`, `figures`
and `page` make tables and pictures of what was found.
"""
