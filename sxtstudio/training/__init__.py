"""PyTorch: the network, phantoms, training and export; nothing else imports it."""
