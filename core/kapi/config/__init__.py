"""From the command line to what the server is built from: flags, options, completed configuration."""
