"""What people see of the runs: the pages, the files that these load, and the API that they live on."""
