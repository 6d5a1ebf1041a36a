"""Installed models, their cards, and importing published weights."""
