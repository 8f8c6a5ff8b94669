"""Singer tap for Invoicetronic (invoicetronic.com)."""
