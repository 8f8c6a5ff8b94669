"""target-postgres, exact and several times as fast."""
