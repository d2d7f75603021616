"""Who may: the union of authorizers, refusals, impersonation."""
