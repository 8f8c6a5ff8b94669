"""Fuzzing, guided by coverage, of everything that reads what others write. `make fuzz` runs it."""
