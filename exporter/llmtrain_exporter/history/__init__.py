"""One log, read from its file when somebody asks: its state, and the values of all its steps."""
