{{ union_systems('payment_terms', ['productive', 'invoicetronic', 'invobi']) }}
