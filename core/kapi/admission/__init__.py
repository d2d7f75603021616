"""The admission chain: the last word on a write before it is stored."""
