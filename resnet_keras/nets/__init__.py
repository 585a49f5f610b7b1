"""What networks are made of beyond the course's two blocks, and what is done to them.

It holds the other blocks, variants of an architecture, initial weights, tables of
stages and surgery on graphs; it imports `blocks`, `family` and `errors` alone.
"""
