"""How a list is read: paginators, requests ahead of their turn, and whether rows moved meanwhile."""
