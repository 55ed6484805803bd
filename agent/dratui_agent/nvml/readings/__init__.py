"""What is read of devices, as data, by what it is about."""
