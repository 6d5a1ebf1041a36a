"""What is handed over to other programs: contents, programs, formats, and the jobs that write them."""
