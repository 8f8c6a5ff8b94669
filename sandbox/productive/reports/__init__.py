"""The reports: sums over other lists' rows, by whatever they are grouped by (README 8)."""
