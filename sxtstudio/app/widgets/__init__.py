"""Widgets that several tasks share."""
