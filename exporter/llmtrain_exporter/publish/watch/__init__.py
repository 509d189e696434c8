"""`watch`: one log, or the newest of a folder, live in a terminal or line by line in a pipe."""
