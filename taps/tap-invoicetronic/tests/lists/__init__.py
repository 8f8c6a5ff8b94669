"""Tests of lists; a package, so that type checkers tell its conftest from others."""
