"""What `make` runs: the demo, the shell, and what writes and checks generated files."""
