"""Invobi as of its documentation."""
