"""The Productive API v2: its lists, its rules of asking, and a world of rows behind them."""
