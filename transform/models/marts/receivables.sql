{{ ageing('sale') }}
