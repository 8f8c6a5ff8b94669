"""Exit codes of loads of accounts, beside 0 and those of the run itself."""

BUSY = 75
"""The account cannot be loaded now, as it or too many of its quota group are: EX_TEMPFAIL of sysexits.h."""
REFUSED = 77
"""Its credentials or settings are refused, which no other attempt changes: EX_NOPERM."""
TIMED_OUT = 124
"""Its run has reached its time limit: as of timeout(1)."""
