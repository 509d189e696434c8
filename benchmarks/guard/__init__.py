"""What the guard is worth, and what it costs: real trainings on a CPU that collapse, break or are well."""
