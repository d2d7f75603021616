"""Objects of the API and the laws they follow: names, errors, selectors, schemas, patches.

Nothing here does I/O, and nothing here knows a kind.
"""
