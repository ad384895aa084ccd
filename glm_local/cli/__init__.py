"""What people start from a command line: ``glm`` and ``glm audit``."""
