"""HTTP: what a request asks for, and how each verb answers."""
