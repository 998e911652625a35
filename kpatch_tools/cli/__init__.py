"""The command line: the only room that reads argv, environment, cwd, clock and terminal."""
