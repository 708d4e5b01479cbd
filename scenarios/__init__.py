"""Scenarios: what a study is made of, checked at once, and the profiles of its members."""
