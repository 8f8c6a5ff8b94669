"""Tests that cross taps: whole pipelines, and checks of what is stated in several places."""
