"""What the field knows, as data without behaviour: the single source of names, numbers and texts."""
