"""Opening, saving, closing and recovering a document, and the first look at it."""
