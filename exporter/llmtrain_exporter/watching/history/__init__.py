"""What a log says of every step of a run: in columns, thinned, and as the object that is served."""
