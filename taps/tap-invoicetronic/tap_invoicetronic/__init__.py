"""Singer tap for Invoicetronic."""
