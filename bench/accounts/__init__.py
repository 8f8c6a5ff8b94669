"""Hundreds of accounts on the queue, with the sandbox as all five vendors: `make bench-accounts`."""
