"""Objects: finding, listing, classing and measuring the bodies that outlines enclose."""
