"""How an application is reached: the server, TLS, passwords, headers. Nothing here knows of runs."""
