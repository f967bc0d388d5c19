"""What Grafana and Prometheus are given, and the generator of the dashboards."""
