"""Types of objects, and reading, defaulting and checking by them."""
