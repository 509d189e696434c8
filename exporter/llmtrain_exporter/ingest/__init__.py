"""From folders to records: discover logs, follow them, read each dialect, normalise names and units."""
