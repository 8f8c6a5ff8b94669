"""What a tap's streams inherit."""
