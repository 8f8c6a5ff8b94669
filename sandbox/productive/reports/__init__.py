"""The reports: totals over the rows of other lists, grouped as requested (README 8)."""
