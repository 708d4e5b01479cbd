"""Who acts: prosumers, the market operator and the grid, with their devices and strategies.

The agents are Mesa agents and thin: they decide once a frame and read their rows of the arrays
that the model owns. Forecasts, batteries and bidding strategies are pure classes beside them,
each entered under its name in :mod:`gridbazaar.agents.registry`.
"""
