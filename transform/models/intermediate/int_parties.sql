{{ union_systems('parties', ['productive', 'invoicetronic', 'invobi', 'covage', 'two_invoice']) }}
