"""The compiled explorer: interned components, memoised moves, a fixed runtime in C. See `explore.py`."""
