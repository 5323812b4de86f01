"""What the command ``nbrtc`` does, one file for each of its words."""
