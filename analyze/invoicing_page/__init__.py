"""One HTML page over the marts in the schema `invoicing`."""
