"""The results of a tomogram as a folder to take home (an RO-Crate), and doing everything again from it."""
