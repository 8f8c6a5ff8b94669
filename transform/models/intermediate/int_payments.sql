{{ union_systems('payments', ['productive', 'invobi', 'two_invoice']) }}
