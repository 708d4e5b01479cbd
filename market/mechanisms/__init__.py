"""Market rules beside the default one: one small pure class a file, see docs/mechanisms.md."""
