"""Everything for a machine without Docker: the answers, the folder made of them, how it is written."""
