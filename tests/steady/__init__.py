"""The tests that depend on time, again and again beside busy processes: what flickers shows. `make steady`."""
