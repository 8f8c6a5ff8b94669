"""The benchmark: our tap beside the plain way, its peers and the bound (README.md)."""
