"""Speed and memory figures: ``make bench`` runs every topic; figures are ratios within one run."""
