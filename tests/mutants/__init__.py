"""Our own code, broken on purpose in a copy: each fault is found by the test that is named for it. `make mutants`."""
