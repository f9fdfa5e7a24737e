"""What the commands do, as plain functions: nothing here prints or reads the command line."""
