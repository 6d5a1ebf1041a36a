"""The desktop application; the only place that knows Qt."""
