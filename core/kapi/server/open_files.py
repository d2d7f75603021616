"""How many files, and so connections, a process may have open."""

MOST = 1 << 20
"""More than this is not asked for: some systems have no limit to speak of."""


def allow_many_files() -> None:
    """Raise the soft limit of open files to the hard one, for this process and those that it starts.

    The soft limit is low (1024) for the sake of programs that use select(2); a server with a thousand watches needs
    more. Go's runtime does the same. Nothing happens where there are no such limits (Windows), or it is not allowed.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (ValueError, OSError):  # macOS has a lower limit than it says
            return
