"""Runs Meltano and keeps one record of each run. It runs commands and imports no tap."""
