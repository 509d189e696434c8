"""Every record to a time series database at its true time; history as files."""
