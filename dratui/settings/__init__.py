"""What a person sets: files in the config folder, the environment, flags. Knows no screen and no cluster."""
