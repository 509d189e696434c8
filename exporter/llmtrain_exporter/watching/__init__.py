"""Logs under watch: a live run, the set of all, what sleeps when it is over, and a log read on demand."""
