"""Where servers listen if nothing else is said."""

PORTS = {"exporter": 9848, "relay": 9849, "prometheus": 9090, "alertmanager": 9093, "grafana": 3000}
"""The servers in the order in which they start, each with its usual port."""
