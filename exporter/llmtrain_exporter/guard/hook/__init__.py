"""A folder for PYTHONPATH: Python runs its `sitecustomize` first in each process of a guarded command."""
