{{ union_systems('invoice_lines', ['productive', 'invoicetronic', 'invobi', 'two_invoice']) }}
