"""From file to file: what a command or a button does from the input to the verified output."""
