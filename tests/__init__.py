"""Tests that cross taps: whole pipelines, and what stands in several places."""
