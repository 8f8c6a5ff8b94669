{{ ageing('purchase') }}
