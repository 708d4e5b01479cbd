"""The long tests: `make soak` alone collects this folder, see `norecursedirs` in pyproject.toml."""
