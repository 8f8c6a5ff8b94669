"""Invoicetronic as of its documentation, with invoices of the sandbox's own making."""
