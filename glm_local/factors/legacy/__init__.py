"""Specifications saved by glm-factor-optimizer 0.1.2, read with their meaning."""
