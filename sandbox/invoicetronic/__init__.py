"""Invoicetronic, as documented, with generated invoices."""
